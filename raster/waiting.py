"""Reduced parts while they wait for their sister shards.

Three shards of each level wait for their fourth: what they hold is all that grows with the terrain.
So from level 1 up they wait compressed, each array by itself. Those of level 0 are most of the
cells and are taken up first: there the time is saved, and only integers are held in a smaller type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numcodecs.blosc import SHUFFLE, Blosc

from raster.cells import Cells
from raster.grid import Window
from raster.shards import Shard
from raster.zoom import Parts

FIRST_PACKED_LEVEL = 1
"""A sixteenth of the terrain's cells is compressed then, and a third of that above it."""


WIDE_BYTES = 4
"""Of a cell; of narrower ones nothing is gained that is worth the time."""


@dataclass(frozen=True, slots=True)
class PackedCells:
    """An array's cells, compressed."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, cells: Cells) -> PackedCells:
        return cls(cells.dtype, cells.shape, _codec().encode(np.ascontiguousarray(cells)))

    def unpack(self) -> Cells:
        cells = np.empty(self.shape, self.dtype)
        _codec().decode(self.data, cells)
        return cells


@dataclass(frozen=True, slots=True)
class WaitingParts:
    """Parts of a reduced shard, as they are or compressed."""

    arrays: Mapping[str, Cells | PackedCells]

    @classmethod
    def of(cls, parts: Parts, level: int) -> WaitingParts:
        """Parts that a shard of `level` hands up."""
        if level < FIRST_PACKED_LEVEL:
            return cls({name: _narrowed(cells) for name, cells in parts.items()})
        return cls({name: PackedCells.of(cells) for name, cells in parts.items()})

    @property
    def shape(self) -> tuple[int, ...]:
        return next(iter(self.arrays.values())).shape

    def unpack(self) -> Parts:
        return {
            name: held.unpack() if isinstance(held, PackedCells) else held
            for name, held in self.arrays.items()
        }


class GatheredParts:
    """The parts of a shard, put together from those of its children, from the top down."""

    def __init__(
        self, children: Sequence[tuple[Shard, WaitingParts]], nothing: Parts, shard_cells: int
    ) -> None:
        """Begin.

        Parameters
        ----------
        children : the shards below and what each hands up; one without tiles is left out
        nothing : parts of one cell of nodata
        shard_cells : int
            Cells a side of a shard.
        """
        half = shard_cells // 2
        self._children = {_place(shard, parts, half): parts for shard, parts in children}
        self._unpacked: dict[Window, Parts] = {}
        self._nothing = nothing

    def read_rows(self, rows: slice, width: int) -> Parts:
        """The next rows of the shard: parts of (rows, width); those above are not asked for again."""
        window = Window(row=rows.start, col=0, height=rows.stop - rows.start, width=width)
        common = {
            place: shared for place in self._children if (shared := place.intersection(window)) is not None
        }
        self._unpacked = {
            place: self._unpacked.get(place) or self._children[place].unpack() for place in common
        }
        is_covered = sum(shared.cell_count for shared in common.values()) == window.cell_count
        gathered = self._blank(window.shape, is_covered=is_covered)
        for place, shared in common.items():
            for name, cells in self._unpacked[place].items():
                part = cells[shared.relative_to(place).slices]
                gathered[name][shared.relative_to(window).slices] = part
        return gathered

    def _blank(self, shape: tuple[int, int], *, is_covered: bool) -> Parts:
        if is_covered:
            return {name: np.empty(shape, cells.dtype) for name, cells in self._nothing.items()}
        return {name: np.full(shape, cells[0, 0], cells.dtype) for name, cells in self._nothing.items()}


def _narrowed(cells: Cells) -> Cells:
    """The same numbers in the smallest type: counts are as wide as the largest level needs them."""
    if cells.dtype.kind not in "iu" or cells.dtype.itemsize < WIDE_BYTES:
        return cells
    lowest, highest = cells.min(), cells.max()
    for size in (1, 2, 4):
        narrow = np.dtype(f"{cells.dtype.kind}{size}")
        if np.iinfo(narrow).min <= lowest and highest <= np.iinfo(narrow).max:
            return cells.astype(narrow)
    return cells


def _place(shard: Shard, parts: WaitingParts, half: int) -> Window:
    """Where a child's reduced cells lie in its parent."""
    height, width = parts.shape
    return Window(row=half * (shard.row % 2), col=half * (shard.col % 2), height=height, width=width)


def _codec() -> Blosc:
    # heights vary little from cell to cell: their bytes, sorted by place, shrink to less than half
    # at more than 1 GB/s; it stays in memory, where no checksum is missed
    return Blosc("lz4", clevel=1, shuffle=SHUFFLE)
