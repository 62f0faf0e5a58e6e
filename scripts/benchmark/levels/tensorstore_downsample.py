"""tensorstore's downsample driver, each level from the one before, zstd level 1."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import tensorstore as ts

from benchmark.measured import report

CHUNK_CELLS, SHARD_CELLS = 512, 2048


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure."""
    report(lambda: _run(pyramid / "0" / "elevation", out))


def _run(array: Path, out: Path) -> None:
    base = ts.open({"driver": "zarr3", "kvstore": f"file://{array}/"}, read=True).result()
    level = 0
    while max(base.shape) > 1:
        level += 1
        smaller = ts.downsample(base, [2, 2], "max")
        target = ts.open(_spec(out / str(level), smaller.shape), create=True).result()
        target.write(smaller).result()
        base = target


def _spec(path: Path, shape: tuple[int, ...]) -> dict[str, Any]:
    chunk = [min(CHUNK_CELLS, size) for size in shape]
    shard = [min(SHARD_CELLS, size) for size in shape]
    inner = [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": 1}}]
    sharding = {"name": "sharding_indexed", "configuration": {"chunk_shape": chunk, "codecs": inner}}
    metadata = {
        "shape": list(shape),
        "data_type": "float32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shard}},
        "codecs": [sharding],
        "fill_value": "NaN",
    }
    return {"driver": "zarr3", "kvstore": f"file://{path}/", "metadata": metadata}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
