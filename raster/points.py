"""Values at points: the cell a point lies in, or what lies between the cells around it.

Cells are gathered chunk by chunk, so chunks, shards and tiles have no borders here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raster.cells import Cells, CellType
from raster.chunks import StoredChunks
from raster.places import Places

EDGE_CELLS = 1e-6
"""A point so little outside is on the edge: coordinates that were computed are not exact."""

Fractions = NDArray[np.float64]


class Interpolation(StrEnum):
    """How a value is had at a point."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


class Finding(IntEnum):
    """What lies at a point."""

    OUTSIDE = 0
    NODATA = 1
    VALUE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PointValues:
    """What was found at points.

    Attributes
    ----------
    values : (points,) of the cells' dtype (nearest) or float64 (bilinear)
        Without meaning where `findings` is not `VALUE`.
    findings : (points,) of uint8
        Of `Finding`.
    chunk_count : int
        Chunks that hold the cells which were looked at, each read once.
    """

    values: NDArray[Any]
    findings: NDArray[np.uint8]
    chunk_count: int


@dataclass(frozen=True, slots=True)
class GatheredCells:
    """Single cells of an array, and from how many chunks."""

    cells: Cells
    chunk_count: int


def read_points(
    chunks: StoredChunks,
    cell_type: CellType,
    places: Places,
    interpolation: Interpolation,
) -> PointValues:
    """Values at points of a level.

    Parameters
    ----------
    chunks : StoredChunks
        Of the level's values.
    cell_type : CellType
        Of the values.
    places : Places
        In the level. The lower and the right edge belong to the last cells.
    interpolation : Interpolation
        `NEAREST`: the cell that the point lies in. `BILINEAR`: between the centres of the four cells
        around it; those that are nodata or beyond the edge have no weight. A point in a cell that is
        nodata, or infinite, is nodata either way.

    Raises
    ------
    PyramidCorrupt, StoreFailed
    """
    height, width = chunks.format.shape
    inside = _within(places.rows, height) & _within(places.cols, width)
    rows, cols = places.rows[inside], places.cols[inside]
    row, col = _cells(rows, height), _cells(cols, width)
    if interpolation is Interpolation.NEAREST:
        gathered = gather_cells(chunks, row, col)
        return _spread(inside, gathered.cells, cell_type.finite(gathered.cells), gathered.chunk_count)
    down, right = _Axis.of(rows, height), _Axis.of(cols, width)
    corners = _corners(down, right)
    gathered = gather_cells(chunks, corners.rows.ravel(), corners.cols.ravel())
    cells = gathered.cells.reshape(corners.weights.shape)
    valid = cell_type.finite(cells)
    own = 2 * (row != down.first) + (col != right.first)
    has_value = valid[own, np.arange(len(own))]
    return _spread(inside, _between(cells, valid, corners.weights), has_value, gathered.chunk_count)


def gather_cells(chunks: StoredChunks, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> GatheredCells:
    """Single cells of an array; each chunk that holds some is read and decoded once.

    Parameters
    ----------
    chunks : StoredChunks
    rows, cols : (cells,) of int64
        Inside the array.

    Returns
    -------
    (cells,) of the array's dtype, nodata as stored
    """
    height, width = chunks.format.chunk
    found = np.full(len(rows), chunks.format.fill, chunks.format.dtype)
    groups = chunks.format.group(rows, cols)
    for place, cells in chunks.read(list(groups)):
        group = groups[place]
        if cells is not None:
            found[group] = cells[rows[group] % height, cols[group] % width]
    return GatheredCells(found, len(groups))


def _within(places: Fractions, size: int) -> NDArray[np.bool_]:
    # what is not a number compares false
    return (places >= -EDGE_CELLS) & (places <= size + EDGE_CELLS)


def _cells(places: Fractions, size: int) -> NDArray[np.int64]:
    """The cells that places lie in."""
    return np.clip(np.floor(places).astype(np.int64), 0, size - 1)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Along one axis: the two cells whose centres lie around each point, and how near the second one is."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    nearness: Fractions

    @classmethod
    def of(cls, places: Fractions, size: int) -> _Axis:
        centres = np.clip(places - 0.5, 0, size - 1)
        first = np.floor(centres).astype(np.int64)
        nearness = centres - first
        # on a line of centres only its own cells count, and no chunk is read for others
        return cls(first, np.where(nearness > 0, first + 1, first), nearness)


@dataclass(frozen=True, slots=True)
class _Corners:
    """The four cells around each point, (4, points), and their weights."""

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    weights: Fractions


def _corners(down: _Axis, right: _Axis) -> _Corners:
    above, left = 1 - down.nearness, 1 - right.nearness
    return _Corners(
        np.stack([down.first, down.first, down.second, down.second]),
        np.stack([right.first, right.second, right.first, right.second]),
        np.stack(
            [above * left, above * right.nearness, down.nearness * left, down.nearness * right.nearness]
        ),
    )


def _between(cells: Cells, valid: NDArray[np.bool_], weights: Fractions) -> Fractions:
    """Means of cells by weight; those that are not valid count nothing."""
    counting = np.where(valid, weights, 0.0)
    summed = (np.where(valid, cells, 0).astype(np.float64) * counting).sum(axis=0)
    total = counting.sum(axis=0)
    means: Fractions = np.divide(summed, total, out=np.zeros_like(summed), where=total > 0)
    return means


def _spread(
    inside: NDArray[np.bool_], values: NDArray[Any], has_value: NDArray[np.bool_], chunk_count: int
) -> PointValues:
    """Values of the points inside, as those of all points."""
    spread = np.zeros(len(inside), values.dtype)
    findings = np.full(len(inside), Finding.OUTSIDE, np.uint8)
    spread[inside] = values
    findings[inside] = np.where(has_value, Finding.VALUE, Finding.NODATA)
    return PointValues(values=spread, findings=findings, chunk_count=chunk_count)
