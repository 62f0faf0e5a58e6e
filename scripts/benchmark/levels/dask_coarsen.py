"""dask.array's `coarsen(max)`: one graph over all levels, stored in shards of 2048, zstd level 1."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import zarr
from dask.base import compute
from zarr.codecs import ZstdCodec

from benchmark.measured import report

CHUNK_CELLS, SHARD_CELLS = 512, 2048


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure."""
    report(lambda: _run(pyramid / "0" / "elevation", out))


def _run(array: Path, out: Path) -> None:
    cells = da.from_array(zarr.open_array(array, mode="r"), chunks=(SHARD_CELLS, SHARD_CELLS))
    group = zarr.open_group(out, mode="w", zarr_format=3)
    stores = []
    for level in range(1, (max(cells.shape) - 1).bit_length() + 1):
        cells = da.coarsen(np.max, cells, {0: 2, 1: 2}).rechunk((SHARD_CELLS, SHARD_CELLS))
        target: Any = _create(group, str(level), cells.shape)
        stores.append(da.store(cells, target, lock=False, compute=False))
    compute(*stores, scheduler="threads", num_workers=os.cpu_count())


def _create(
    group: zarr.Group, name: str, shape: tuple[int, ...]
) -> zarr.Array[zarr.core.metadata.ArrayV3Metadata]:
    chunk = tuple(min(CHUNK_CELLS, size) for size in shape)
    shard = tuple(min(SHARD_CELLS, size) for size in shape)
    return group.create_array(
        name,
        shape=shape,
        dtype="float32",
        chunks=chunk,
        shards=shard,
        compressors=[ZstdCodec(level=1)],
        fill_value=np.nan,
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
