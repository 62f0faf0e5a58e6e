"""What gdaladdo does: averages (GDAL knows no max) as an external .ovr, zstd level 1, all CPUs."""

from __future__ import annotations

import sys
from pathlib import Path

import rasterio
from rasterio.enums import Resampling

from benchmark.measured import report

OPTIONS = {
    "GDAL_NUM_THREADS": "ALL_CPUS",
    "TIFF_USE_OVR": "YES",
    "COMPRESS_OVERVIEW": "ZSTD",
    "ZSTD_LEVEL_OVERVIEW": "1",
    "BIGTIFF_OVERVIEW": "YES",
    "GDAL_TIFF_OVR_BLOCKSIZE": "512",
}


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure, on the terrain as one GeoTIFF beside the tiles."""
    out.mkdir()
    linked = out / "whole.tif"
    linked.hardlink_to(tiles.with_suffix(".tif"))
    report(lambda: _run(linked))


def _run(path: Path) -> None:
    with rasterio.Env(**OPTIONS), rasterio.open(path, "r+") as whole:
        steps = (max(whole.shape) - 1).bit_length()
        whole.build_overviews([2**step for step in range(1, steps + 1)], Resampling.average)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
