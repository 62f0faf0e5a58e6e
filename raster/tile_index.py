"""Which tiles lie under which square of the grid: looked up, never searched for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from raster.grid import Grid, Window

PAIRS_AT_ONCE = 2**20
"""Tile-square pairs made in one step: bounds the memory of indexing, not its result."""

RECTANGLES_AT_ONCE = 2**24
"""Rectangles between tiles' edges that are counted in one go: 64 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class TileIndex:
    """Tiles by squares of `cells` a side, in compressed rows: `tiles[starts[i]:starts[i + 1]]` are
    those of square `squares[i]` (row * square columns + column), in ascending precedence.
    """

    grid: Grid
    cells: int
    squares: NDArray[np.int64]
    starts: NDArray[np.int64]
    tiles: NDArray[np.int64]

    @property
    def columns(self) -> int:
        """Squares side by side."""
        return -(-self.grid.width // self.cells)

    @property
    def square_count(self) -> int:
        """Squares of the grid, with tiles or without."""
        return -(-self.grid.height // self.cells) * self.columns

    def tiles_of(self, row: int, col: int) -> NDArray[np.int64]:
        """Numbers of the tiles with cells in a square, ascending; none for a square without tiles."""
        square = row * self.columns + col
        at = int(np.searchsorted(self.squares, square))
        if at == len(self.squares) or self.squares[at] != square:
            return self.tiles[:0]
        return self.tiles[self.starts[at] : self.starts[at + 1]]


def index_tiles(grid: Grid, windows: NDArray[np.int64], cells: int) -> TileIndex:
    """Index tiles by squares.

    Parameters
    ----------
    grid : Grid
    windows : (tiles, 4) int64
        Row, col, height, width, inside the grid, lowest precedence first.
    cells : int
        Side of a square.
    """
    columns = -(-grid.width // cells)
    pieces = list(_pairs(windows, cells, columns))
    squares = np.concatenate([square for square, _ in pieces]) if pieces else np.empty(0, np.int64)
    tiles = np.concatenate([tile for _, tile in pieces]) if pieces else np.empty(0, np.int64)
    order = np.argsort(squares, kind="stable")  # stable: precedence is kept within a square
    squares, tiles = squares[order], tiles[order]
    found, starts = np.unique(squares, return_index=True)
    return TileIndex(grid, cells, found, np.append(starts, len(tiles)).astype(np.int64), tiles)


def _pairs(
    windows: NDArray[np.int64], cells: int, columns: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every (square, tile) pair, some tiles at a time."""
    first_row, first_col = windows[:, 0] // cells, windows[:, 1] // cells
    rows = (windows[:, 0] + windows[:, 2] - 1) // cells - first_row + 1
    cols = (windows[:, 1] + windows[:, 3] - 1) // cells - first_col + 1
    counts = rows * cols
    for start, stop in pairwise(_cuts(counts)):
        tile = np.repeat(np.arange(start, stop), counts[start:stop])
        ends = np.cumsum(counts[start:stop])
        within = np.arange(len(tile)) - np.repeat(ends - counts[start:stop], counts[start:stop])
        row = first_row[tile] + within // cols[tile]
        col = first_col[tile] + within % cols[tile]
        yield row * columns + col, tile


def _cuts(counts: NDArray[np.int64]) -> list[int]:
    """Where to cut the tiles so that each piece has about `PAIRS_AT_ONCE` pairs."""
    total = np.cumsum(counts)
    steps = np.arange(PAIRS_AT_ONCE, int(total[-1]) if len(total) else 0, PAIRS_AT_ONCE)
    inner = np.unique(np.searchsorted(total, steps))
    return sorted({0, *map(int, inner), len(counts)})


def has_gaps(index: TileIndex, windows: NDArray[np.int64]) -> bool:
    """Whether some cell of the grid lies under no tile.

    Counted over the rectangles between all tiles' edges while these are few, as in a lattice of
    tiles; else square by square, where the edges are.
    """
    if len(index.squares) < index.square_count:
        return True
    if (covered := _is_covered(index.grid.window, windows)) is not None:
        return not covered
    squares = zip(index.squares, pairwise(index.starts), strict=True)
    return not all(
        _is_covered(_square(index, square), windows[index.tiles[start:stop]], limit=None)
        for square, (start, stop) in squares
    )


def _square(index: TileIndex, square: int) -> Window:
    row, col = divmod(int(square), index.columns)
    place = Window(row=row * index.cells, col=col * index.cells, height=index.cells, width=index.cells)
    inside = place.intersection(index.grid.window)
    if inside is None:
        raise ValueError(f"square {square} lies outside the grid")
    return inside


def _is_covered(
    window: Window, tiles: NDArray[np.int64], limit: int | None = RECTANGLES_AT_ONCE
) -> bool | None:
    """Whether tiles leave no cell of a window free; None when their edges make too many rectangles."""
    top, bottom = (
        np.clip(edge, window.row, window.row_stop) for edge in (tiles[:, 0], tiles[:, 0] + tiles[:, 2])
    )
    left, right = (
        np.clip(edge, window.col, window.col_stop) for edge in (tiles[:, 1], tiles[:, 1] + tiles[:, 3])
    )
    rows = np.unique(np.concatenate([top, bottom, [window.row, window.row_stop]]))
    cols = np.unique(np.concatenate([left, right, [window.col, window.col_stop]]))
    if limit is not None and len(rows) * len(cols) > limit:
        return None
    change = np.zeros((len(rows), len(cols)), np.int32)
    for row, col, sign in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
        np.add.at(change, (np.searchsorted(rows, row), np.searchsorted(cols, col)), sign)
    depth = change.cumsum(0, out=change).cumsum(1, out=change)
    return bool((depth[:-1, :-1] > 0).all())
