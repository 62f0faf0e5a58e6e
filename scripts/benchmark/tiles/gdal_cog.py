"""GDAL: a VRT over the tiles, then a COG with averages as overviews, zstd level 1, all CPUs."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

import rasterio
import rasterio.shutil

from benchmark.measured import report


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure."""
    out.mkdir()
    report(lambda: _run(tiles, out))


def _run(tiles: Path, out: Path) -> None:
    vrt = out / "tiles.vrt"
    vrt.write_text(make_vrt(tiles))
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
        rasterio.shutil.copy(
            vrt,
            out / "cog.tif",
            driver="COG",
            compress="ZSTD",
            level=1,
            blocksize=512,
            overview_resampling="AVERAGE",
            num_threads="ALL_CPUS",
            bigtiff="YES",
        )


def make_vrt(folder: Path) -> str:
    """What gdalbuildvrt would write for tiles in a regular table: named row and column."""
    paths = sorted(folder.glob("*.tif"))
    with rasterio.open(paths[0]) as first:
        side, crs, transform, block = first.height, first.crs.to_wkt(), first.transform, first.block_shapes[0]
    places = [tuple(int(part) * side for part in path.stem.split("-")[1:]) for path in paths]
    height, width = (max(place[axis] for place in places) + side for axis in (0, 1))
    sources = "".join(
        f"<ComplexSource><SourceFilename>{escape(str(path))}</SourceFilename><SourceBand>1</SourceBand>"
        f'<SourceProperties RasterXSize="{side}" RasterYSize="{side}" DataType="Float32" '
        f'BlockXSize="{block[1]}" BlockYSize="{block[0]}"/>'
        f'<SrcRect xOff="0" yOff="0" xSize="{side}" ySize="{side}"/>'
        f'<DstRect xOff="{col}" yOff="{row}" xSize="{side}" ySize="{side}"/>'
        "<NODATA>nan</NODATA></ComplexSource>"
        for path, (row, col) in zip(paths, places, strict=True)
    )
    return (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>{escape(crs)}</SRS>'
        f"<GeoTransform>{', '.join(str(number) for number in transform.to_gdal())}</GeoTransform>"
        f'<VRTRasterBand dataType="Float32" band="1"><NoDataValue>nan</NoDataValue>{sources}'
        "</VRTRasterBand></VRTDataset>"
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
