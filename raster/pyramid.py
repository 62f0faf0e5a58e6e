"""Pyramids are planned, then written: `plan_pyramids` has no effect, `write_pyramids` has all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raster.grid import Grid
from raster.layout import Description
from raster.metrics.foreign import ForeignMetric
from raster.metrics.interface import Metric, Reduction, StoredArray
from raster.mosaic import Mosaic
from raster.object_format import ObjectFormat
from raster.shards import CHUNK_CELLS, SHARD_CELLS, Shard, ShardTree
from raster.skeleton import Skeleton, array_metadata, make_skeleton
from raster.tile_index import TileIndex
from raster.tiles import PlacedTile

CELLS_VERSION = 1
"""Counts the changes of this code that change what is stored for the same terrain."""


@dataclass(frozen=True)
class PyramidPlan:
    """One pyramid as it will be: its metric bound to the terrain, and how it is cut."""

    metric: Metric
    reduction: Reduction
    about: Description
    tree: ShardTree

    @property
    def grid(self) -> Grid:
        return self.tree.grid

    def arrays(self, level: int) -> list[StoredArray]:
        """The arrays stored at a level, the value first."""
        return [self.reduction.value, *(self.reduction.companions if level else ())]

    def skeleton(self) -> Skeleton:
        """Everything of the group but its cells."""
        arrays = {level: self.arrays(level) for level in range(self.grid.level_count)}
        return make_skeleton(self.tree, arrays, self.about)

    def level_0_metadata(self) -> bytes:
        """`zarr.json` of the values of level 0."""
        return array_metadata(self.tree, 0, self.reduction.value, self.about)

    def chunk_keys(self) -> Iterator[str]:
        """Every object that holds cells, stored or empty."""
        for level in range(self.grid.level_count):
            shapes, shape = self.tree.chunk_shapes(level), self.grid.level(level).shape
            for array in self.arrays(level):
                yield from ObjectFormat(level, array, shapes).keys(shape)


@dataclass(frozen=True)
class BuildPlan:
    """What a build will do: pyramids of one terrain under some metrics, in one pass over its tiles."""

    mosaic: Mosaic
    tree: ShardTree
    pyramids: tuple[PyramidPlan, ...]

    @property
    def grid(self) -> Grid:
        return self.mosaic.grid

    @cached_property
    def index(self) -> TileIndex:
        """Tiles by shard of level 0."""
        return self.mosaic.index(self.tree.shard_cells)

    @cached_property
    def busy(self) -> tuple[NDArray[np.int64], ...]:
        """For each level up to the root's: its shards with tiles under them, ascending.

        A shard is row * columns of shards + column.
        """
        rows, cols = np.divmod(self.index.squares, self.index.columns)
        levels = range(self.tree.root.level + 1)
        return tuple(
            np.unique((rows >> level) * self.tree.shape(level)[1] + (cols >> level)) for level in levels
        )

    @property
    def task_count(self) -> int:
        """Tasks of the build: one for each shard with tiles under it."""
        return sum(map(len, self.busy))

    def children(self, shard: Shard) -> list[Shard]:
        """The busy shards of the level below that make this one."""
        return [child for child in self.tree.children(shard) if self.is_busy(child)]

    def is_busy(self, shard: Shard) -> bool:
        """Whether there are tiles under a shard."""
        number = shard.row * self.tree.shape(shard.level)[1] + shard.col
        level = self.busy[shard.level]
        at = int(np.searchsorted(level, number))
        return at < len(level) and int(level[at]) == number

    def tiles(self, shard: Shard) -> list[PlacedTile]:
        """The tiles under a shard of level 0, in ascending precedence."""
        if shard.level:
            return []
        return [self.mosaic.tiles[index] for index in self.index.tiles_of(shard.row, shard.col).tolist()]

    def key(self, pyramid: PyramidPlan) -> str:
        """Equal for builds that store equal cells: SHA-256 of all that these depend on."""
        tree = self.tree
        words = (
            CELLS_VERSION,
            pyramid.metric.name,
            pyramid.metric.code if isinstance(pyramid.metric, ForeignMetric) else "",
            [pyramid.arrays(level) for level in (0, 1)],
            (tree.shard_cells, tree.chunk_cells, tree.grid),
            self.mosaic.cell_type,
            self.mosaic.tiles.fingerprint(),
        )
        return hashlib.sha256(repr(words).encode()).hexdigest()


def plan_pyramids(
    mosaic: Mosaic,
    wanted: Sequence[tuple[Metric, Description]],
    *,
    shard_cells: int = SHARD_CELLS,
    chunk_cells: int = CHUNK_CELLS,
) -> BuildPlan:
    """Plan the pyramids of a terrain under some metrics; opens no source and writes nothing.

    Memory is proportional to the tiles and to the shards they touch.
    """
    tree = ShardTree(mosaic.grid, shard_cells, chunk_cells)
    pyramids = tuple(
        PyramidPlan(metric, metric.bind(mosaic.cell_type, mosaic.grid.cell_count), about, tree)
        for metric, about in wanted
    )
    return BuildPlan(mosaic, tree, pyramids)
