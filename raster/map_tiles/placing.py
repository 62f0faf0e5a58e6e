"""Where the cells of a map tile lie among a terrain's: exactly, or interpolated between exact nodes.

PROJ takes a tenth of a second for the cells of a few map tiles; between nodes that are close enough the
map is as good as plane. How close that is, the nodes themselves tell.
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

SAMPLES = 5
"""Points a side of a tile that are looked at where its centre tells nothing."""

FEW = 40
"""Cells a side of a window so small that nodes are not worth it."""


@dataclass(frozen=True, slots=True)
class TilePlaces:
    """Columns and rows of a level, with fractions, of the centres of a window of a map tile's cells.

    Attributes
    ----------
    window : Window
        Of the map tile's cells; what lies outside is not on the terrain.
    cols, rows : AxisPlaces
        (1, width) and (height, 1) where the axes of map and terrain are parallel, else (height, width).
    turn : float or None
        Columns once around the globe, of which each is given as the first one that is not negative.
    """

    window: Window
    cols: AxisPlaces
    rows: AxisPlaces
    turn: float | None

    def coarser(self) -> TilePlaces:
        """The same in the next coarser level."""
        turn = None if self.turn is None else self.turn / 2
        return TilePlaces(self.window, self.cols.halved(), self.rows.halved(), turn)


@dataclass(frozen=True, slots=True)
class AxisPlaces:
    """Places along one axis; all that are numbers lie from `low` to `high`, both NaN when some are none."""

    places: Floats
    low: float
    high: float

    @classmethod
    def of(cls, places: Floats) -> AxisPlaces:
        low, high = float(places.min()), float(places.max())
        if not (math.isfinite(low) and math.isfinite(high)):  # PROJ's infinity is no place either
            low = high = math.nan
        return cls(places, low, high)

    def halved(self) -> AxisPlaces:
        return AxisPlaces(self.places / 2, self.low / 2, self.high / 2)


def part_on_terrain(tile: TileGrid, finder: CellFinder) -> Window | None:
    """The cells of a map tile that may lie on the terrain; None: none do."""
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

    At the point of `window` that is nearest to the centre, when the centre is not in it; where PROJ has no
    answer there, the least of some points of the window. None where it has none at all.
    """
    col = min(max(tile.width / 2, window.col), window.col_stop)
    row = min(max(tile.height / 2, window.row), window.row_stop)
    across = _across(tile, np.array([col]), np.array([row]), finder)
    if not across.size:
        cols, rows = np.meshgrid(
            np.linspace(window.col, window.col_stop, SAMPLES),
            np.linspace(window.row, window.row_stop, SAMPLES),
        )
        across = _across(tile, cols.ravel(), rows.ravel(), finder)
    return float(across.min()) if across.size else None


def _across(tile: TileGrid, col: Floats, row: Floats, finder: CellFinder) -> Floats:
    """At points of a map tile; only at those that PROJ has an answer for."""
    still = np.zeros_like(col)
    half = still + 0.5
    x = tile.x(np.stack([col - half, col + half, col, col]))
    y = tile.y(np.stack([row, row, row - half, row + half]))
    cols, rows = finder.find(x, y)
    with np.errstate(invalid="ignore"):
        across, along = cols[1::2] - cols[::2], rows[1::2] - rows[::2]
        if finder.turn is not None:
            across = across - np.round(across / finder.turn) * finder.turn
        # the lesser singular value of each 2 x 2 matrix of steps
        total = (across**2 + along**2).sum(axis=0)
        area = across[0] * along[1] - across[1] * along[0]
        narrow = np.sqrt(np.maximum(total - np.sqrt(np.maximum(total**2 - 4 * area**2, 0)), 0) / 2)
    return np.asarray(narrow[np.isfinite(narrow)])


def place_cells(tile: TileGrid, window: Window, finder: CellFinder, level: int) -> TilePlaces:
    """The places of a window of a map tile's cells in a level, right to `TOLERANCE` of its cells."""
    if max(window.shape) <= FEW:
        return _exactly(tile, window, finder, level)
    step = max(tile.height, tile.width) // NODES
    nodes = _Nodes.around(tile, window, finder, level, step)
    if nodes is not None and nodes.are_parallel:
        return _along_axes(tile, window, finder, level)
    while nodes is not None and nodes.error > TOLERANCE:
        refined = 2 ** math.ceil(math.log2(nodes.error / TOLERANCE) / 2)  # the error falls with its square
        if nodes.step % refined or step // nodes.step * refined > MOST_REFINED:
            nodes = None
        else:
            nodes = _Nodes.around(tile, window, finder, level, nodes.step // refined)
    return _exactly(tile, window, finder, level) if nodes is None else nodes.places(window, finder, level)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Exact places of points `step` cells apart, on corners of cells; `window` is the cells between them.

    They lie where a multiple of `step` does in the whole matrix, so that neighbouring tiles of the same step
    have the same.
    There are three a side or more.
    """

    window: Window
    step: int
    cols: Floats
    rows: Floats

    @classmethod
    def around(
        cls, tile: TileGrid, window: Window, finder: CellFinder, level: int, step: int
    ) -> _Nodes | None:
        """The nodes around a window; None where PROJ has no answer for some."""
        top = (tile.row + window.row) // step * step - tile.row
        left = (tile.col + window.col) // step * step - tile.col
        height, width = (
            max(2, math.ceil((stop - start) / step)) * step
            for start, stop in ((top, window.row_stop), (left, window.col_stop))
        )
        x = tile.x(np.arange(left, left + width + 1, step, dtype=np.float64))
        y = tile.y(np.arange(top, top + height + 1, step, dtype=np.float64))
        cols, rows = finder.find(*np.meshgrid(x, y))
        if not (np.isfinite(cols).all() and np.isfinite(rows).all()):
            return None
        scale = 0.5**level
        around = Window(row=top, col=left, height=height, width=width)
        return cls(around, step, _unwrapped(cols, finder.turn) * scale, rows * scale)

    @property
    def are_parallel(self) -> bool:
        """Whether columns depend on x alone and rows on y alone, as far as it shows."""
        off = max(float(np.ptp(self.cols, axis=0).max()), float(np.ptp(self.rows, axis=1).max()))
        return off <= TOLERANCE / 1000

    @property
    def error(self) -> float:
        """How far interpolated places are off, at most, as far as three nodes in a row tell.

        Along both axes, one on top of the other: so much is a bilinear place off a surface bent both ways.
        """
        return max(
            sum(float(np.abs(np.diff(nodes, n=2, axis=axis)).max()) / 8 for axis in (0, 1))
            for nodes in (self.cols, self.rows)
        )

    def places(self, window: Window, finder: CellFinder, level: int) -> TilePlaces:
        """Places of a window between the nodes."""
        inside = window.relative_to(self.window).slices
        cols, rows = (
            # what is interpolated stays between its nodes
            AxisPlaces(_interpolated(each, self.step)[inside], float(each.min()), float(each.max()))
            for each in (self.cols, self.rows)
        )
        return _turned(window, cols, rows, finder, level)


def _interpolated(nodes: Floats, step: int) -> Floats:
    """Bilinear, in the centres of the cells between nodes."""
    parts = (np.arange(step) + 0.5) / step
    along = nodes[:, :-1, None] + (nodes[:, 1:, None] - nodes[:, :-1, None]) * parts
    along = along.reshape(nodes.shape[0], -1)
    down: Floats = (along[1:] - along[:-1])[:, None, :] * parts[:, None]
    down += along[:-1, None, :]
    return down.reshape(-1, along.shape[1])


def _exactly(tile: TileGrid, window: Window, finder: CellFinder, level: int) -> TilePlaces:
    x, y = _centres(tile, window)
    cols, rows = finder.find(*np.meshgrid(x, y))
    scale = 0.5**level
    return _turned(window, AxisPlaces.of(cols * scale), AxisPlaces.of(rows * scale), finder, level)


def _along_axes(tile: TileGrid, window: Window, finder: CellFinder, level: int) -> TilePlaces:
    """Exactly, of one row and of one column: all others are the same."""
    x, y = _centres(tile, window)
    cols, _ = finder.find(x, np.full_like(x, y[y.size // 2]))
    _, rows = finder.find(np.full_like(y, x[x.size // 2]), y)
    scale = 0.5**level
    right, down = AxisPlaces.of(cols[None, :] * scale), AxisPlaces.of(rows[:, None] * scale)
    return _turned(window, right, down, finder, level)


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


def _turned(window: Window, cols: AxisPlaces, rows: AxisPlaces, finder: CellFinder, level: int) -> TilePlaces:
    """Places with columns from 0 to once around the globe; what is not finite stays so."""
    if finder.turn is None:
        return TilePlaces(window, cols, rows, None)
    turn = finder.turn * 0.5**level
    if not (cols.low >= 0 and cols.high < turn):
        with np.errstate(invalid="ignore"):
            cols = AxisPlaces.of(np.mod(cols.places, turn))
    return TilePlaces(window, cols, rows, turn)
