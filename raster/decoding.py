"""Decoded cells of tiles, each decoded once although shards cut tiles, files and blocks.

A source is decoded in *units*: whole blocks of the file, gathered to a useful size. A unit that
lies under one shard only is read with its neighbours in one go and forgotten. A unit that some
other shard needs as well is kept until the last of them has had it, or until memory is short:
then the unit that was asked for least recently is dropped, and would be decoded again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np

from raster.cells import Cells
from raster.grid import Window
from raster.sources.opening import open_registered
from raster.sources.roots import TileRoots
from raster.sources.source import Source
from raster.tiles import PlacedTile

UNIT_CELLS = 256
"""Least cells a side of a unit: smaller blocks are gathered, so that a shard is few reads."""

ReadWindow = Callable[[Window], Cells]


@dataclass(frozen=True, slots=True)
class UnitKey:
    """One unit of one tile, by its upper-left cell in the tile."""

    url: str
    row: int
    col: int


@dataclass(slots=True)
class _Kept:
    """A kept unit; `lock` is held while it is decoded, `uses` shards are still to come."""

    uses: int
    lock: Lock = field(default_factory=Lock)
    cells: Cells | None = None


class DecodedTiles:
    """Reads tiles for shards of `shard_cells` a side; shared by the threads of a build."""

    def __init__(self, roots: TileRoots, shard_cells: int, limit_bytes: int) -> None:
        self._roots = roots
        self._shard_cells = shard_cells
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[UnitKey, _Kept] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[DecodedTiles], tuple[TileRoots, int, int]]:
        # another process keeps its own units
        return DecodedTiles, (self._roots, self._shard_cells, self._limit_bytes)

    @property
    def kept_bytes(self) -> int:
        """Decoded bytes that wait for another shard."""
        return self._bytes

    def read_window(self, tile: PlacedTile, window: Window) -> Cells:
        """Cells of a tile under one shard, as stored: not scaled, nodata not converted.

        Parameters
        ----------
        tile : PlacedTile
        window : Window
            The intersection of the tile with the shard, in the terrain's cells.

        Raises
        ------
        SourceError
            The tile is gone, changed or unreadable.
        """
        asked = window.relative_to(tile.window)
        units = _Units.of(tile)
        inner = units.inside(asked)
        with _LazySource(self._roots, tile) as source:
            if inner == asked:
                return source.read(asked)
            cells = np.empty(asked.shape, tile.encoding.numpy_dtype)
            if inner is not None:
                cells[inner.relative_to(asked).slices] = source.read(inner)
            for unit in units.touching(asked):
                common = unit.intersection(asked)
                if common is not None and (inner is None or not inner.contains(common)):
                    decoded = self._unit(tile, unit, source.read)
                    cells[common.relative_to(asked).slices] = decoded[common.relative_to(unit).slices]
            return cells

    def _unit(self, tile: PlacedTile, unit: Window, read: ReadWindow) -> Cells:
        """The cells of a unit that several shards need."""
        key = UnitKey(tile.url, unit.row, unit.col)
        with self._lock:
            kept = self._kept.setdefault(key, _Kept(self._shards_of(tile, unit)))
            self._kept.move_to_end(key)
        with kept.lock:
            cells = kept.cells
            if cells is None:
                cells = kept.cells = read(unit)
                self._grow(cells.nbytes)
        self._use(key, kept)
        return cells

    def _shards_of(self, tile: PlacedTile, unit: Window) -> int:
        """Number of shards with cells in a unit."""
        row, col, side = unit.row + tile.window.row, unit.col + tile.window.col, self._shard_cells
        rows = (row + unit.height - 1) // side - row // side + 1
        cols = (col + unit.width - 1) // side - col // side + 1
        return rows * cols

    def _use(self, key: UnitKey, kept: _Kept) -> None:
        """One shard less waits for the unit; the last one takes it away."""
        with self._lock:
            kept.uses -= 1
            if kept.uses < 1 and self._kept.get(key) is kept:
                self._drop(key)

    def _grow(self, added: int) -> None:
        with self._lock:
            self._bytes += added
            decoded = [key for key, kept in self._kept.items() if kept.cells is not None]
            for key in decoded[:-1]:
                if self._bytes <= self._limit_bytes:
                    break
                self._drop(key)

    def _drop(self, key: UnitKey) -> None:
        kept = self._kept.pop(key)
        self._bytes -= 0 if kept.cells is None else kept.cells.nbytes


@dataclass(frozen=True, slots=True)
class _Units:
    """How a tile is cut into units, in its own cells."""

    tile: Window
    height: int
    width: int

    @classmethod
    def of(cls, tile: PlacedTile) -> _Units:
        own = tile.window.relative_to(tile.window)
        if (tile.block_height, tile.block_width) == (1, 1):
            return cls(own, 1, 1)  # nothing is decoded: any window is read by itself
        sides = [block * -(-UNIT_CELLS // block) for block in (tile.block_height, tile.block_width)]
        return cls(own, min(sides[0], own.height), min(sides[1], own.width))

    def inside(self, window: Window) -> Window | None:
        """The whole units in a window, which are one rectangle; None when there are none."""
        row, row_stop = _whole(window.row, window.row_stop, self.height, self.tile.height)
        col, col_stop = _whole(window.col, window.col_stop, self.width, self.tile.width)
        if row >= row_stop or col >= col_stop:
            return None
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def touching(self, window: Window) -> Iterator[Window]:
        """The units with cells in a window, row by row."""
        top, left = window.row // self.height * self.height, window.col // self.width * self.width
        around = Window(row=top, col=left, height=window.row_stop - top, width=window.col_stop - left)
        for unit in around.split(self.height, self.width):
            whole = Window(row=unit.row, col=unit.col, height=self.height, width=self.width)
            inside = whole.intersection(self.tile)
            if inside is not None:
                yield inside


def _whole(start: int, stop: int, side: int, end: int) -> tuple[int, int]:
    """First and last edge of the whole units within [start, stop); the last unit may be cut by `end`."""
    return -(-start // side) * side, stop if stop == end else stop // side * side


class _LazySource:
    """A tile's source, opened when it is first read."""

    def __init__(self, roots: TileRoots, tile: PlacedTile) -> None:
        self._roots = roots
        self._tile = tile
        self._stack = ExitStack()
        self._source: Source | None = None

    def read(self, window: Window) -> Cells:
        if self._source is None:
            tile = self._tile
            opening = open_registered(self._roots, tile.url, tile.identity, tile.window.shape)
            self._source = self._stack.enter_context(opening)
        return self._source.read_window(window)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
