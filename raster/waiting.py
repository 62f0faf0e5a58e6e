"""Reduced parts while they wait for their sister shards.

Three shards of each level wait for their fourth: what they hold is all that grows with the terrain.
So from level 1 up they wait on the disk. Those of level 0 are most of the cells and are taken up
first: they stay in memory. Integers are held in the smallest type from the moment they are reduced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raster.cells import Cells
from raster.grid import Window
from raster.shards import Shard
from raster.spilled import SpilledCells
from raster.zoom import Parts

FIRST_SPILLED_LEVEL = 1
"""A sixteenth of the terrain's cells goes to the disk and back, and a third of that above it."""

WIDE_BYTES = 4
"""Of a cell; of narrower ones nothing is gained that is worth the time."""


@dataclass(frozen=True, slots=True)
class WaitingParts:
    """Parts of a reduced shard, in memory or on the disk."""

    arrays: Mapping[str, Cells | SpilledCells]

    @classmethod
    def of(cls, parts: Parts, level: int) -> WaitingParts:
        """Parts that a shard of `level` hands up, as `narrow_parts` leaves them."""
        if level < FIRST_SPILLED_LEVEL:
            return cls(parts)
        return cls({name: SpilledCells(cells) for name, cells in parts.items()})

    @property
    def shape(self) -> tuple[int, ...]:
        return next(iter(self.arrays.values())).shape

    def read(self, window: Window) -> Parts:
        """The parts of a window of the shard."""
        rows, cols = window.slices
        return {name: held[rows][:, cols] for name, held in self.arrays.items()}


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
        self._nothing = nothing

    def read_rows(self, rows: slice, width: int) -> Parts:
        """Rows of the shard: parts of (rows, width)."""
        window = Window(row=rows.start, col=0, height=rows.stop - rows.start, width=width)
        common = {
            place: shared for place in self._children if (shared := place.intersection(window)) is not None
        }
        is_covered = sum(shared.cell_count for shared in common.values()) == window.cell_count
        gathered = self._blank(window.shape, is_covered=is_covered)
        for place, shared in common.items():
            for name, cells in self._children[place].read(shared.relative_to(place)).items():
                gathered[name][shared.relative_to(window).slices] = cells
        return gathered

    def _blank(self, shape: tuple[int, int], *, is_covered: bool) -> Parts:
        if is_covered:
            return {name: np.empty(shape, cells.dtype) for name, cells in self._nothing.items()}
        return {name: np.full(shape, cells[0, 0], cells.dtype) for name, cells in self._nothing.items()}


def narrow_parts(parts: Parts) -> Parts:
    """The same numbers, integers in the smallest type: counts are as wide as the last level needs them.

    In these types nothing can be added up.
    """
    return {name: _narrow(cells) for name, cells in parts.items()}


def widen_parts(parts: Parts, like: Parts) -> Parts:
    """Parts that were narrowed, in the types they have in `like`."""
    return {name: cells.astype(like[name].dtype, copy=False) for name, cells in parts.items()}


def _narrow(cells: Cells) -> Cells:
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
