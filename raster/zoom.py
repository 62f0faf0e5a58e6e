"""The 2x2 step, band by band: of parts that merge, or of whole blocks.

Parts merge in pairs of rows, then in pairs of columns; a last odd one goes on alone. Rows first,
because whole rows are contiguous and the columns are then half the work: the step is bound by
memory, not by arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from raster.cells import Cells

Parts = dict[str, Cells]
"""Named arrays of one shape: what a metric knows of each cell of a level."""

BAND_ROWS = 128
"""Rows lifted or zoomed at once: the parts of 128 x 2048 cells stay in a core's cache, and no metric's
float64 parts of a whole shard are ever in memory. Even, so that no 2x2 block is cut."""


def zoom_blocks(parts: Parts, merge: Callable[[Parts, Parts], Parts]) -> Parts:
    """Merge each 2x2 block into one cell.

    Output cell (i, j) covers input rows [2i, 2i + 2) and columns [2j, 2j + 2). Blocks cut by
    the lower or right edge merge the cells they have.

    Parameters
    ----------
    parts : arrays of shape (height, width)
    merge : callable
        Element by element, associative and commutative.

    Returns
    -------
    Parts of shape (ceil(height / 2), ceil(width / 2))
    """
    return zoom_bands(parts, lambda band: _merge_pairs(_merge_pairs(band, merge, axis=0), merge, axis=1))


def zoom_bands(parts: Parts, step: Callable[[Parts], Parts]) -> Parts:
    """Zoom parts of (height, width) band by band, each of them by `step`, a whole 2x2 step."""
    cut = zip(*(bands(array) for array in parts.values()), strict=True)
    return concatenate([step(dict(zip(parts, band, strict=True))) for band in cut], axis=0)


def block_planes(cells: Cells, missing: float) -> tuple[Cells, Cells, Cells, Cells]:
    """The cells of each 2x2 block: all upper left ones, upper right, lower left, lower right.

    Four arrays of (ceil(height / 2), ceil(width / 2)), views where they can be. `missing` stands
    for the cells that blocks cut by the lower or right edge lack.
    """
    odd_row, odd_col = cells.shape[0] % 2, cells.shape[1] % 2
    if odd_row or odd_col:
        cells = np.pad(cells, ((0, odd_row), (0, odd_col)), constant_values=missing)
    return cells[::2, ::2], cells[::2, 1::2], cells[1::2, ::2], cells[1::2, 1::2]


def _merge_pairs(parts: Parts, merge: Callable[[Parts, Parts], Parts], axis: int) -> Parts:
    size = next(iter(parts.values())).shape[axis]
    if size == 1:
        return parts
    merged = merge(_take(parts, axis, slice(0, size - 1, 2)), _take(parts, axis, slice(1, size, 2)))
    if size % 2 == 0:
        return merged
    return concatenate([merged, _take(parts, axis, slice(size - 1, size))], axis)


def _take(parts: Parts, axis: int, cells: slice) -> Parts:
    index = (cells, slice(None)) if axis == 0 else (slice(None), cells)
    return {name: array[index] for name, array in parts.items()}


def add_parts(one: Parts, other: Parts) -> Parts:
    """Part-wise sum: how counts and sums merge."""
    return {name: one[name] + other[name] for name in one}


def concatenate(pieces: list[Parts], axis: int) -> Parts:
    """Pieces of equal part names and dtypes, one after the other along `axis`."""
    if len(pieces) == 1:
        return pieces[0]
    return {name: np.concatenate([piece[name] for piece in pieces], axis) for name in pieces[0]}


def bands(cells: Cells) -> Iterator[Cells]:
    """Views of `BAND_ROWS` rows each, from the top; the last one may be lower."""
    for row in range(0, cells.shape[0], BAND_ROWS):
        yield cells[row : row + BAND_ROWS]
