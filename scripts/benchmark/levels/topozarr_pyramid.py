"""topozarr: xarray's coarsen(boundary="trim"), level by level, level 0 written again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dask
import topozarr.coarsen
import xarray as xr
import xproj  # noqa: F401 - gives datasets the accessor that topozarr asks for a CRS

from benchmark import terrain
from benchmark.measured import report

SHARD_CELLS = 2048


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure."""
    report(lambda: _run(pyramid, out))


def _run(pyramid: Path, out: Path) -> None:
    chunks = {"y": SHARD_CELLS, "x": SHARD_CELLS}
    with (
        dask.config.set(scheduler="threads", num_workers=os.cpu_count()),
        xr.open_dataset(pyramid, group="0", engine="zarr", chunks=chunks)[["elevation"]] as native,
    ):
        native["elevation"].encoding.clear()
        levels = (max(native["elevation"].shape) - 1).bit_length() + 1
        made = topozarr.coarsen.create_pyramid(
            native.proj.assign_crs(spatial_ref=terrain.CRS), levels=levels, method="max"
        )
        made.datatree.to_zarr(out, encoding=made.encoding, zarr_format=3, consolidated=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
