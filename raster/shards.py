"""How a pyramid is cut into shards and chunks, and which shards follow from which: a quadtree.

Pure arithmetic. A shard is the unit of work and of writing; its chunks are the unit of reading.
The lowest level that fits into one shard is the root: its task also makes every level above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from raster.grid import Grid, Window

CHUNK_CELLS = 512
"""Cells a side of a chunk: 0.5 MiB of int16, one ranged read for a map tile or two."""

SHARD_CELLS = 2048
"""Cells a side of a shard: 16 chunks; 16 MiB of float32 in flight for each worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkShapes:
    """Chunk and shard of one level's arrays; `shard` is None where the level is one chunk."""

    chunk: tuple[int, int]
    shard: tuple[int, int] | None

    @property
    def object_shape(self) -> tuple[int, int]:
        """Cells of one stored object."""
        return self.shard or self.chunk

    @property
    def chunks_per_object(self) -> tuple[int, int]:
        """Rows and columns of chunks in one stored object."""
        height, width = self.object_shape
        return height // self.chunk[0], width // self.chunk[1]


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One shard of a level, by its place among the level's shards."""

    level: int
    row: int
    col: int


@dataclass(frozen=True, slots=True)
class ShardTree:
    """The shards of a pyramid over `grid`.

    `chunk_cells` is even, so that a row of chunks cuts no 2x2 block, and `shard_cells` a multiple of it,
    so that every shard holds whole chunks and its four children fill it exactly.
    """

    grid: Grid
    shard_cells: int = SHARD_CELLS
    chunk_cells: int = CHUNK_CELLS

    def __post_init__(self) -> None:
        if (
            self.chunk_cells % 2
            or not 2 <= self.chunk_cells <= self.shard_cells
            or self.shard_cells % self.chunk_cells
        ):
            raise ValueError(
                f"shards of {self.shard_cells} cells, chunks of {self.chunk_cells}: a chunk has an even "
                "number of cells a side, and a shard holds whole chunks"
            )

    @property
    def root(self) -> Shard:
        """The one shard of the lowest level that fits into one."""
        side = max(self.grid.shape)
        return Shard((math.ceil(side / self.shard_cells) - 1).bit_length(), 0, 0)

    def shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of shards of a level."""
        height, width = self.grid.level(level).shape
        return math.ceil(height / self.shard_cells), math.ceil(width / self.shard_cells)

    def window(self, shard: Shard) -> Window:
        """The shard's cells in its level."""
        place = Window(
            row=shard.row * self.shard_cells,
            col=shard.col * self.shard_cells,
            height=self.shard_cells,
            width=self.shard_cells,
        )
        inside = place.intersection(self.grid.level(shard.level).window)
        if inside is None:
            raise ValueError(f"{shard} lies outside its level")
        return inside

    def children(self, shard: Shard) -> Iterator[Shard]:
        """The up to four shards of the level below that make this one, row by row."""
        if shard.level == 0:
            return
        rows, cols = self.shape(shard.level - 1)
        for row in range(2 * shard.row, min(2 * shard.row + 2, rows)):
            for col in range(2 * shard.col, min(2 * shard.col + 2, cols)):
                yield Shard(shard.level - 1, row, col)

    def shards_of(self, window: Window) -> Iterator[Shard]:
        """The shards of level 0 that a window of it touches."""
        size = self.shard_cells
        for row in range(window.row // size, (window.row_stop - 1) // size + 1):
            for col in range(window.col // size, (window.col_stop - 1) // size + 1):
                yield Shard(0, row, col)

    def chunk_shapes(self, level: int) -> ChunkShapes:
        """Chunk and shard of a level: never larger than the level, one chunk needs no shard."""
        height, width = self.grid.level(level).shape
        chunk = min(self.chunk_cells, height), min(self.chunk_cells, width)
        if chunk == (height, width):
            return ChunkShapes(chunk=chunk, shard=None)
        whole = [math.ceil(size / side) * side for size, side in zip((height, width), chunk, strict=True)]
        return ChunkShapes(
            chunk=chunk, shard=(min(self.shard_cells, whole[0]), min(self.shard_cells, whole[1]))
        )
