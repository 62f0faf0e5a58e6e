"""ndpyramid: each level is the mean of native cells, so every level reads all of level 0."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dask
import ndpyramid
import xarray as xr

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
        steps = (max(native["elevation"].shape) - 1).bit_length()
        tree = ndpyramid.pyramid_coarsen(
            native, factors=[2**step for step in range(1, steps + 1)], dims=["y", "x"], boundary="trim"
        )
        tree.to_zarr(out, zarr_format=3, consolidated=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
