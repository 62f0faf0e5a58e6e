"""Where the cells of a map tile lie among a terrain's: exactly, or interpolated between exact nodes.

PROJ takes a tenth of a second for the cells of a few map tiles; between nodes that are close enough the
map is as good as plane. How close that is, some points between them tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raster.grid import Window
from raster.map_tiles.ground import CellFinder
from raster.map_tiles.matrices import TileGrid

Floats = NDArray[np.float64]

NODES = 16
"""Spaces between nodes a side of a map tile."""

TOLERANCE = 1e-3
"""Cells of the level that an interpolated place may be off: of 1000 less than one has a neighbour's value."""

MOST_REFINED = 8
"""Times as many nodes a side; what needs more is computed cell by cell."""

FEW = 40
"""Cells a side of a window so small that nodes are not worth it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Columns and rows of level 0, with fractions, of the centres of a window of a map tile's cells.

    Attributes
    ----------
    window : Window
        Of the map tile's cells; what lies outside is not on the terrain.
    cols, rows : float64 that broadcast to (height, width)
        (1, width) and (height, 1) where the axes of map and terrain are parallel. Not finite where the
        map has no place on the terrain.
    turn : float or None
        Columns once around the globe, of which each is given as the first one that is not negative.
    """

    window: Window
    cols: Floats
    rows: Floats
    turn: float | None


def part_on_terrain(tile: TileGrid, finder: CellFinder) -> Window | None:
    """The cells of a map tile that may lie on the terrain, in whole spaces between nodes; None: none do."""
    whole = Window(row=0, col=0, height=tile.height, width=tile.width)
    extent = finder.extent
    if extent is None:
        return whole
    left, right = ((x - tile.left) / tile.cell_width - tile.col for x in (extent.left, extent.right))
    top, bottom = ((tile.top - y) / tile.cell_height - tile.row for y in (extent.top, extent.bottom))
    col, row = math.floor(max(left - 1, 0)), math.floor(max(top - 1, 0))
    width, height = (
        math.ceil(min(right + 1, tile.width)) - col,
        math.ceil(min(bottom + 1, tile.height)) - row,
    )
    if width < 1 or height < 1:
        return None
    return Window(row=row, col=col, height=height, width=width)


def cells_per_cell(tile: TileGrid, window: Window, finder: CellFinder) -> float | None:
    """Cells of level 0 that one cell of a map tile is across where it is narrowest, at the tile's centre.

    At the point of `window` that is nearest to the centre, when the centre is not in it. None where PROJ
    has no answer.
    """
    col = min(max(tile.width / 2, window.col), window.col_stop)
    row = min(max(tile.height / 2, window.row), window.row_stop)
    x = tile.x(np.array([col - 0.5, col + 0.5, col, col]))
    y = tile.y(np.array([row, row, row - 0.5, row + 0.5]))
    cols, rows = finder.find(x, y)
    steps = np.array([[cols[1] - cols[0], cols[3] - cols[2]], [rows[1] - rows[0], rows[3] - rows[2]]])
    if finder.turn is not None:
        steps[0] -= np.round(steps[0] / finder.turn) * finder.turn
    if not np.isfinite(steps).all():
        return None
    return float(np.linalg.svd(steps, compute_uv=False)[-1])


def place_cells(tile: TileGrid, window: Window, finder: CellFinder, level: int) -> Places:
    """The places of a window of a map tile's cells, right to `TOLERANCE` cells of the level."""
    if max(window.shape) <= FEW:
        return _exactly(tile, window, finder)
    step = max(tile.height, tile.width) // NODES
    nodes = _Nodes.around(tile, window, finder, step)
    if nodes is None:
        return _exactly(tile, window, finder)
    tolerance = TOLERANCE * 2.0**level
    if nodes.are_parallel(tolerance / 1000):
        return _along_axes(tile, window, finder)
    error = nodes.error(tile, finder)
    refined = 1
    while error > tolerance * refined**2 and refined <= MOST_REFINED:
        refined *= 2
    if refined > MOST_REFINED or step % refined:
        return _exactly(tile, window, finder)
    if refined > 1:
        finer = _Nodes.around(tile, window, finder, step // refined)
        if finer is None:
            return _exactly(tile, window, finder)
        nodes = finer
    cols, rows = nodes.between()
    inside = window.relative_to(nodes.window).slices
    return Places(window, _turned(cols[inside], finder), rows[inside], finder.turn)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Exact places of points `step` cells apart, on corners of cells; `window` is the cells between them.

    They lie where a multiple of `step` does in the whole matrix, so that neighbouring tiles have the same.
    """

    window: Window
    step: int
    cols: Floats
    rows: Floats

    @classmethod
    def around(cls, tile: TileGrid, window: Window, finder: CellFinder, step: int) -> _Nodes | None:
        """The nodes around a window; None where PROJ has no answer for some."""
        top = _floored(tile.row + window.row, step) - tile.row
        left = _floored(tile.col + window.col, step) - tile.col
        height = math.ceil((window.row_stop - top) / step) * step
        width = math.ceil((window.col_stop - left) / step) * step
        x = tile.x(np.arange(left, left + width + 1, step, dtype=np.float64))
        y = tile.y(np.arange(top, top + height + 1, step, dtype=np.float64))
        cols, rows = finder.find(*np.meshgrid(x, y))
        if not (np.isfinite(cols).all() and np.isfinite(rows).all()):
            return None
        around = Window(row=top, col=left, height=height, width=width)
        return cls(around, step, _unwrapped(cols, finder.turn), rows)

    def are_parallel(self, tolerance: float) -> bool:
        """Whether columns depend on x alone and rows on y alone."""
        return bool(
            np.ptp(self.cols, axis=0).max() <= tolerance and np.ptp(self.rows, axis=1).max() <= tolerance
        )

    def error(self, tile: TileGrid, finder: CellFinder) -> float:
        """The largest difference of interpolated and exact places, halfway between some neighbouring nodes.

        Not in the midst of four: there the errors along both axes cancel out, where a map keeps angles.
        """
        down, right = (_some(size - 1) for size in self.rows.shape)
        row = np.concatenate([np.repeat(down, right.size), np.repeat(down + 0.5, right.size)])
        col = np.concatenate([np.tile(right + 0.5, down.size), np.tile(right, down.size)])
        cols, rows = finder.find(
            tile.x(self.window.col + col * self.step), tile.y(self.window.row + row * self.step)
        )
        if not (np.isfinite(cols).all() and np.isfinite(rows).all()):
            return math.inf
        off = cols - _halfway(self.cols, row, col)
        if finder.turn is not None:
            off -= np.round(off / finder.turn) * finder.turn
        return float(max(np.abs(off).max(), np.abs(rows - _halfway(self.rows, row, col)).max()))

    def between(self) -> tuple[Floats, Floats]:
        """Columns and rows of all cells' centres between the nodes, interpolated: (height, width) each."""
        return _interpolated(self.cols, self.step), _interpolated(self.rows, self.step)


def _interpolated(nodes: Floats, step: int) -> Floats:
    """Bilinear, in the centres of the cells between nodes."""
    parts = (np.arange(step) + 0.5) / step
    along = nodes[:, :-1, None] + (nodes[:, 1:, None] - nodes[:, :-1, None]) * parts
    along = along.reshape(nodes.shape[0], -1)
    down: Floats = (along[1:] - along[:-1])[:, None, :] * parts[:, None]
    down += along[:-1, None, :]
    return down.reshape(-1, along.shape[1])


def _some(count: int) -> Floats:
    """Up to five of the numbers below `count`, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, 5).astype(np.intp)).astype(np.float64)


def _halfway(nodes: Floats, row: Floats, col: Floats) -> Floats:
    """Between the two nodes that are nearest to places with one whole number and one that ends in a half."""
    first, last = (nodes[cut(row).astype(np.intp), cut(col).astype(np.intp)] for cut in (np.floor, np.ceil))
    return np.asarray((first + last) / 2)


def _floored(value: int, step: int) -> int:
    return value // step * step


def _exactly(tile: TileGrid, window: Window, finder: CellFinder) -> Places:
    x, y = _centres(tile, window)
    cols, rows = finder.find(*np.meshgrid(x, y))
    return Places(window, _turned(cols, finder), rows, finder.turn)


def _along_axes(tile: TileGrid, window: Window, finder: CellFinder) -> Places:
    """Exactly, of one row and of one column: all others are the same."""
    x, y = _centres(tile, window)
    cols, _ = finder.find(x, np.full_like(x, y[y.size // 2]))
    _, rows = finder.find(np.full_like(y, x[x.size // 2]), y)
    return Places(window, _turned(cols[None, :], finder), rows[:, None], finder.turn)


def _centres(tile: TileGrid, window: Window) -> tuple[Floats, Floats]:
    x = tile.x(np.arange(window.col, window.col_stop, dtype=np.float64) + 0.5)
    y = tile.y(np.arange(window.row, window.row_stop, dtype=np.float64) + 0.5)
    return x, y


def _unwrapped(cols: Floats, turn: float | None) -> Floats:
    """The same columns without leaps around the globe from one node to the next."""
    if turn is None:
        return cols
    first = np.unwrap(cols[:, :1], period=turn, axis=0)
    return np.unwrap(np.concatenate([first, cols[:, 1:]], axis=1), period=turn, axis=1)


def _turned(cols: Floats, finder: CellFinder) -> Floats:
    """Columns from 0 to once around the globe; what is not finite stays so."""
    turn = finder.turn
    if turn is None or (cols.min() >= 0 and cols.max() < turn):
        return cols
    with np.errstate(invalid="ignore"):
        return np.mod(cols, turn)
