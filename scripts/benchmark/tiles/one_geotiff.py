"""The tiles as one GeoTIFF, for gdaladdo to work on: preparation, not measured."""

from __future__ import annotations

import sys
from pathlib import Path

import rasterio
import rasterio.shutil

from benchmark.tiles.gdal_cog import make_vrt

OPTIONS = {
    "compress": "zstd",
    "zstd_level": 1,
    "tiled": True,
    "blockxsize": 512,
    "blockysize": 512,
    "bigtiff": "YES",
}


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Write it; it appears when it is whole."""
    vrt, partial = out.with_suffix(".vrt"), out.with_suffix(".partial")
    vrt.write_text(make_vrt(tiles))
    rasterio.shutil.copy(vrt, partial, driver="GTiff", num_threads="ALL_CPUS", **OPTIONS)
    vrt.unlink()
    partial.replace(out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
