"""The floor: decode every shard of level 0, encode and write as much as the levels above hold, no more."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmark import terrain
from benchmark.measured import report
from raster.object_format import ObjectFormat

SHARDS_PER_WRITTEN = 3
"""The levels above hold 1/4 + 1/16 + ... = 1/3 of the cells of level 0."""


def main(tiles: Path, pyramid: Path, out: Path) -> None:
    """Measure; what is written are cells of level 0, which take no less to encode than those above."""
    out.mkdir()
    plan = terrain.plan(terrain.open_mosaic(tiles))
    level_0 = ObjectFormat(0, plan.pyramids[0].reduction.value, plan.tree.chunk_shapes(0))
    report(lambda: _run(level_0, sorted(pyramid.glob("0/elevation/c/*/*")), out))


def _run(level_0: ObjectFormat, stored: list[Path], out: Path) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: _shard(level_0, job[1], out, job[0]), enumerate(stored)))


def _shard(level_0: ObjectFormat, path: Path, out: Path, number: int) -> None:
    rows = list(level_0.decode_rows(path.read_bytes(), level_0.shapes.object_shape))
    if number % SHARDS_PER_WRITTEN == 0:
        (out / str(number)).write_bytes(b"".join(level_0.encode(np.concatenate(rows))))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
