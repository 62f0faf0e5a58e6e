"""The values of a stored pyramid's levels by chunk, decoded once for all who ask while they are kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from raster.cells import Cells
from raster.chunk_cache import ChunkCache, ChunkKey
from raster.chunks import ArrayFormat, ChunkPlace, StoredChunks
from raster.grid import Grid, Window
from raster.window import StoredPyramid


@dataclass(frozen=True, slots=True)
class Block:
    """Cells of a window of a level, C-contiguous and not to be written into."""

    cells: Cells
    window: Window


@dataclass(frozen=True, slots=True)
class CachedChunks:
    """The chunks of a pyramid's values. May be used by many threads.

    `cache` may be that of many pyramids.
    """

    stored: StoredPyramid
    cache: ChunkCache

    @property
    def grid(self) -> Grid:
        """Level 0."""
        return self.stored.grid

    def format(self, level: int) -> ArrayFormat:
        """How a level is stored.

        Raises
        ------
        LevelNotFound, PyramidCorrupt, StoreFailed
        """
        return self.stored.open_chunks(level).format

    def get(self, level: int, places: Sequence[ChunkPlace]) -> list[Cells | None]:
        """Whole chunks, which may stick out over the level; None for those that are all fill.

        Parameters
        ----------
        places : sequence of ChunkPlace
            Different ones, inside the level.

        Returns
        -------
        (chunk height, chunk width) each, read-only

        Raises
        ------
        PyramidCorrupt, StoreFailed
        """
        keys = [ChunkKey(self.stored.root.url, level, place) for place in places]
        return self.cache.get(keys, partial(_decode, self.stored.open_chunks(level)))

    def count_around(self, level: int, window: Window) -> int:
        """Cells of all chunks that a window touches: a row of a level touches many.

        Raises
        ------
        LevelNotFound, PyramidCorrupt, StoreFailed
        """
        rows, cols = self._touched(level, window)
        return len(rows) * len(cols) * math.prod(self.format(level).chunk)

    def _touched(self, level: int, window: Window) -> tuple[range, range]:
        """Rows and columns of the chunks."""
        height, width = self.format(level).chunk
        rows = range(window.row // height, (window.row_stop - 1) // height + 1)
        return rows, range(window.col // width, (window.col_stop - 1) // width + 1)

    def read_window(self, level: int, window: Window) -> Cells:
        """Cells of a window of a level, as `StoredPyramid.read_window` reads them.

        Returns
        -------
        (height, width), not to be written into

        Raises
        ------
        LevelNotFound, WindowOutOfBounds, PyramidCorrupt, StoreFailed
        """
        self.grid.level(level).part(window)
        block = self.read_block(level, window)
        if block is None:
            stored = self.format(level)
            return np.full(window.shape, stored.fill, stored.dtype)
        return block.cells[window.relative_to(block.window).slices]

    def read_block(self, level: int, window: Window) -> Block | None:
        """Cells around a window, which lies in the level; None when all of them are fill.

        Raises
        ------
        PyramidCorrupt, StoreFailed
        """
        stored = self.format(level)
        height, width = stored.chunk
        rows, cols = self._touched(level, window)
        places = [ChunkPlace(row, col) for row in rows for col in cols]
        chunks = self.get(level, places)
        if all(chunk is None for chunk in chunks):
            return None
        windows = [
            Window(row=place.row * height, col=place.col * width, height=height, width=width)
            for place in places
        ]
        if len(chunks) == 1:
            return Block(cast("Cells", chunks[0]), windows[0])
        cells: Cells = np.empty(window.shape, stored.dtype)
        for place, chunk in zip(windows, chunks, strict=True):
            part = cast("Window", window.intersection(place))
            piece = stored.fill if chunk is None else chunk[part.relative_to(place).slices]
            cells[part.relative_to(window).slices] = piece
        return Block(cells, window)


def _decode(stored: StoredChunks, keys: Sequence[ChunkKey]) -> Iterator[Cells | None]:
    return (cells for _, cells in stored.read([key.place for key in keys]))
