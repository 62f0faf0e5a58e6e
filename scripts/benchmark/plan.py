"""Planning a terrain of very many tiles: no source is opened, nothing is written."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmark import terrain
from benchmark.measured import report
from raster.cells import CellEncoding
from raster.grid import Grid, Window
from raster.mosaic import lay_mosaic
from raster.shards import Shard
from raster.sources.ranges import SourceIdentity
from raster.sources.roots import TileRoots
from raster.tiles import PlacedTile

TILE_CELLS = 256
MISSING_EVERY = 10
"""Every tenth tile is not there."""


def main(tile_count: int) -> None:
    """Measure."""
    report(lambda: _plan(tile_count))


def _plan(tile_count: int) -> None:
    side = math.isqrt(tile_count * MISSING_EVERY // (MISSING_EVERY - 1)) + 1
    grid = Grid(height=side * TILE_CELLS, width=side * TILE_CELLS)
    plan = terrain.plan(lay_mosaic(grid, _tiles(side, tile_count), TileRoots((Path(),))))
    tree = plan.tree
    rows, cols = tree.shape(0)
    under = [len(plan.tiles(Shard(0, row, col))) for row in range(rows) for col in range(cols)]
    print(
        f"{len(plan.mosaic.tiles)} tiles, {plan.task_count} tasks, at most {max(under)} tiles under a shard",
        file=sys.stderr,
    )


def _tiles(side: int, count: int) -> Iterator[PlacedTile]:
    places = ((row, col) for row in range(side) for col in range(side) if (row + col) % MISSING_EVERY)
    for (row, col), _ in zip(places, range(count), strict=False):
        yield PlacedTile(
            url=f"tiles/{row:05}/{col:05}.tif",
            window=Window(row=row * TILE_CELLS, col=col * TILE_CELLS, height=TILE_CELLS, width=TILE_CELLS),
            encoding=CellEncoding("int16", -32768),
            identity=SourceIdentity(size=100_000 + col, mtime_ns=1_700_000_000_000_000_000 + row),
            block_height=TILE_CELLS,
            block_width=TILE_CELLS,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
