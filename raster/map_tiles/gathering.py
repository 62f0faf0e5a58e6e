"""Cells gathered where a map tile needs them: the nearest ones, or between four."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raster.cached_chunks import CachedChunks
from raster.cells import Cells, CellType
from raster.chunks import ArrayFormat
from raster.grid import Window
from raster.map_tiles.placing import AxisPlaces, TilePlaces

Mask = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Indexes = NDArray[np.intp]

SPREAD = 16
"""Cells read for each one needed, at most, to have them in one block; else they are picked chunk by chunk.

So far apart they are around a pole, and where a terrain around the globe begins and ends.
"""

FEW = 2**16
"""Cells of a block that is always read."""


MOST_CHUNKS = 256
"""Chunks that one map tile may need. More do only around a pole, where cells of degrees are needles."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Values of a window of a map tile's cells, and where they are measurements; else they say nothing."""

    values: Cells
    valid: Mask


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells along one axis of a level, from `first` to `last`: some for each place.

    Each of `indexes` plus each of `shifts`, in this order: neighbours need no indexes of their own.
    """

    indexes: tuple[Indexes, ...]
    first: int
    last: int
    shifts: tuple[int, ...] = (0,)

    def each(self) -> list[Indexes]:
        """The cells as plain indexes."""
        return [index + shift for index in self.indexes for shift in self.shifts]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Places along one axis of a level, `size` cells long; where they are not `inside` they are any one.

    `inside` is None where all are. The cells that hold them are from `first` to `last`.
    """

    size: int
    places: Floats
    inside: Mask | None
    first: int
    last: int

    @classmethod
    def of(cls, axis: AxisPlaces, size: int) -> _Axis | None:
        """None when all places are outside."""
        if axis.low >= 0 and axis.high < size:
            return cls(size, axis.places, None, int(axis.low), int(axis.high))
        inside = (axis.places >= 0) & (axis.places < size)  # what is no number is not
        if not inside.any():
            return None
        low = float(axis.places.min(where=inside, initial=size))
        places = np.where(inside, axis.places, low)
        return cls(size, places, inside, int(low), int(places.max()))

    def nearest(self) -> _Cells:
        """The cell that holds each place."""
        # not negative, so that cutting off the fraction is rounding down
        return _Cells((self.places.astype(np.intp),), self.first, self.last)

    def between(self, turn: float | None) -> tuple[_Cells, Floats]:
        """The cells before and after each place, and how far it is from the one to the other.

        At an end of the axis they are the same; where it goes around the globe, in `turn` cells, a whole
        number, the last of them and the first one are neighbours.
        """
        shifted = self.places - 0.5
        if self.first > 0 and self.last < self.size - 1:
            start = shifted.astype(np.intp)
            return _Cells((start,), self.first - 1, self.last + 1, (0, 1)), shifted - start
        before = np.floor(shifted)
        start = before.astype(np.intp)
        end, share = start + 1, shifted - before
        around = 0 if turn is None or abs(turn - round(turn)) > 1e-6 else round(turn)
        if 0 < around <= self.size:
            return _Cells((start % around, end % around), 0, around - 1), share
        ends = start.clip(0, self.size - 1), end.clip(0, self.size - 1)
        return _Cells(ends, max(self.first - 1, 0), min(self.last + 1, self.size - 1)), share


def gather(
    chunks: CachedChunks, cell_type: CellType, level: int, places: TilePlaces, *, smooth: bool
) -> Gathered | None:
    """The values of a level at places.

    Parameters
    ----------
    smooth : bool
        Between the four cells around each place, weighted by distance; cells that are nodata, or outside,
        weigh nothing, and a place is nodata where its nearest cell is. Else those of the nearest cells.

    Returns
    -------
    (height, width) of the level's dtype; when smooth of float32, or float64 where float32 does not hold
    that dtype. None when no cell is valid for sure.

    Raises
    ------
    PyramidCorrupt, StoreFailed
    """
    height, width = chunks.format(level).shape
    down, right = _Axis.of(places.rows, height), _Axis.of(places.cols, width)
    if down is None or right is None:
        return None
    if not smooth:
        (values,) = _pick(chunks, level, down.nearest(), right.nearest()) or (None,)
        if values is None:
            return None
        return Gathered(values, _valid(cell_type, values, down, right))
    (rows, share_down), (cols, share_right) = down.between(None), right.between(places.turn)
    corners = _pick(chunks, level, rows, cols)
    if corners is None:
        return None
    dtype = np.promote_types(cell_type.dtype, np.float32)
    shares = share_down.astype(dtype), share_right.astype(dtype)
    measured = [cell_type.valid(corner) for corner in corners]
    floats = [corner.astype(dtype, copy=False) for corner in corners]
    if all(each.all() for each in measured):
        return Gathered(_blend(floats, *shares), _valid(None, floats[0], down, right))
    # the nearest one is the corner on whose side of the middle a place lies
    is_below, is_after = shares[0] >= 0.5, shares[1] >= 0.5
    nearest = np.where(
        is_below, np.where(is_after, measured[3], measured[2]), np.where(is_after, measured[1], measured[0])
    )
    weighed = [np.where(valid, corner, 0) for valid, corner in zip(measured, floats, strict=True)]
    weights = _blend([each.astype(dtype) for each in measured], *shares)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _blend(weighed, *shares) / weights
    return Gathered(values, nearest & _valid(None, values, down, right))


def _blend(corners: Sequence[Floats], down: Floats, right: Floats) -> Floats:
    """Between four corners: above and below, of each the one before and the one after."""
    above, below = corners[1] - corners[0], corners[3] - corners[2]
    for between, start in ((above, corners[0]), (below, corners[2])):
        np.multiply(between, right, out=between)
        np.add(between, start, out=between)
    below -= above
    below *= down
    below += above
    return below


def _valid(cell_type: CellType | None, values: Cells, down: _Axis, right: _Axis) -> Mask:
    valid = np.ones(values.shape, np.bool_) if cell_type is None else cell_type.valid(values)
    for axis in (down, right):
        if axis.inside is not None:
            valid &= axis.inside
    return valid


def _pick(chunks: CachedChunks, level: int, rows: _Cells, cols: _Cells) -> list[Cells] | None:
    """The cells of a level in each of `rows` and each of `cols`; None when all of them are fill."""
    window = Window(
        row=rows.first, col=cols.first, height=rows.last - rows.first + 1, width=cols.last - cols.first + 1
    )
    if window.cell_count > max(SPREAD * np.broadcast(rows.indexes[0], cols.indexes[0]).size, FEW):
        return [_picked_by_chunk(chunks, level, row, col) for row in rows.each() for col in cols.each()]
    block = chunks.read_block(level, window)
    if block is None:
        return None
    width, first = block.window.width, block.window.row * block.window.width + block.window.col
    flat, found = block.cells.reshape(-1), list[Cells]()
    for row in rows.indexes:
        starts = [row * width - first + col for col in cols.indexes]
        for down in rows.shifts:
            for start in starts:
                # none lies outside: "clip" is faster than to look for one that does
                found += [flat[down * width + right :].take(start, mode="clip") for right in cols.shifts]
    return found


def coarsened(chunks: CachedChunks, level: int, places: TilePlaces) -> tuple[int, TilePlaces]:
    """The level, or the finest coarser one, of which places lie in at most `MOST_CHUNKS` chunks."""
    while level < chunks.grid.level_count - 1 and _chunk_count(chunks.format(level), places) > MOST_CHUNKS:
        level, places = level + 1, places.coarser()
    return level, places


def _chunk_count(stored: ArrayFormat, places: TilePlaces) -> int:
    """Chunks that places lie in: counted when those around all of them are too many."""
    axes = tuple(zip((places.rows, places.cols), stored.chunk_counts, stored.chunk, strict=True))
    around = [
        min(count, int((axis.high - axis.low) / size) + 2) if math.isfinite(axis.low) else count
        for axis, count, size in axes
    ]
    if math.prod(around) <= MOST_CHUNKS:
        return math.prod(around)
    down, right = (
        np.nan_to_num(axis.places / size, nan=-1.0, posinf=-1.0, neginf=-1.0).clip(-1, count).astype(np.intp)
        for axis, count, size in axes
    )
    return int(np.unique(down * (around[1] + 2) + right).size)


def _picked_by_chunk(chunks: CachedChunks, level: int, rows: Indexes, cols: Indexes) -> Cells:
    stored = chunks.format(level)
    height, width = stored.chunk
    rows, cols = np.broadcast_arrays(rows, cols)
    shape, rows, cols = rows.shape, rows.ravel(), cols.ravel()
    values: Cells = np.empty(rows.shape, stored.dtype)
    groups = stored.group(rows, cols)
    for here, chunk in zip(groups.values(), chunks.get(level, list(groups)), strict=True):
        values[here] = stored.fill if chunk is None else chunk[rows[here] % height, cols[here] % width]
    return values.reshape(shape)
