"""Value types of place: windows of cells, extents on the ground, grids and their levels.

Arithmetic only: no I/O, no arrays, no coordinate transformation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from affine import Affine

from raster.errors import LevelNotFound, WindowOutOfBounds

CELL_TRANSFORM = Affine(1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
"""Ground of a terrain without georeferencing: one unit a cell, y upwards, as readers expect it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A rectangle of cells, half-open: rows [row, row + height), columns [col, col + width).

    Row and column may be negative (a tile's place in a terrain's grid); a window holds at
    least one cell.
    """

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a window has at least one cell, not {self.height} x {self.width}")

    def __str__(self) -> str:
        return f"row={self.row} col={self.col} height={self.height} width={self.width}"

    @property
    def row_stop(self) -> int:
        return self.row + self.height

    @property
    def col_stop(self) -> int:
        return self.col + self.width

    @property
    def cell_count(self) -> int:
        return self.height * self.width

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of an array whose cell (0, 0) is this window's row 0, column 0."""
        return slice(self.row, self.row_stop), slice(self.col, self.col_stop)

    def intersection(self, other: Window) -> Window | None:
        """Cells in both windows, None when there are none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = min(self.row_stop, other.row_stop) - row
        width = min(self.col_stop, other.col_stop) - col
        if height < 1 or width < 1:
            return None
        return Window(row=row, col=col, height=height, width=width)

    def union(self, other: Window) -> Window:
        """Smallest window around both."""
        row, col = min(self.row, other.row), min(self.col, other.col)
        return Window(
            row=row,
            col=col,
            height=max(self.row_stop, other.row_stop) - row,
            width=max(self.col_stop, other.col_stop) - col,
        )

    def contains(self, other: Window) -> bool:
        return self.intersection(other) == other

    def relative_to(self, origin: Window) -> Window:
        """The same cells, counted from the upper-left cell of `origin`."""
        return Window(
            row=self.row - origin.row,
            col=self.col - origin.col,
            height=self.height,
            width=self.width,
        )

    def split(self, height: int, width: int) -> list[Window]:
        """Pieces of at most height x width cells, row by row, that cover the window once."""
        return [
            Window(
                row=row,
                col=col,
                height=min(height, self.row_stop - row),
                width=min(width, self.col_stop - col),
            )
            for row in range(self.row, self.row_stop, height)
            for col in range(self.col, self.col_stop, width)
        ]


@dataclass(frozen=True, slots=True)
class Extent:
    """A rectangle on the ground, in the units of its CRS; left < right and bottom < top."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Cells laid on the ground: shape, corner-based north-up affine transform, CRS.

    `crs` is an authority code such as "EPSG:32633", else WKT2, else None. `transform` maps
    (col, row) of a cell's upper-left corner to the ground; its rotation terms are zero.
    """

    height: int
    width: int
    transform: Affine = CELL_TRANSFORM
    crs: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def cell_count(self) -> int:
        return self.height * self.width

    @property
    def window(self) -> Window:
        """All cells."""
        return Window(row=0, col=0, height=self.height, width=self.width)

    @property
    def extent(self) -> Extent:
        """Ground of all cells; at coarser levels it sticks out over the terrain's."""
        left, top = self.transform @ (0, 0)
        right, bottom = self.transform @ (self.width, self.height)
        return Extent(left, bottom, right, top)

    @property
    def level_count(self) -> int:
        """Levels of the pyramid over this grid; the last one is 1x1."""
        return (max(self.height, self.width) - 1).bit_length() + 1

    def level(self, level: int) -> Grid:
        """Grid of a level: ceil-halved `level` times, same origin, cells 2^level as large.

        A negative level counts from the top: -1 is the 1x1 one.

        Raises
        ------
        LevelNotFound
        """
        count = self.level_count
        if not -count <= level < count:
            raise LevelNotFound(level, count)
        factor = 2 ** (level % count)
        return Grid(
            height=math.ceil(self.height / factor),
            width=math.ceil(self.width / factor),
            transform=self.transform @ Affine.scale(factor),
            crs=self.crs,
        )

    def part(self, window: Window) -> Grid:
        """Grid of a window of this grid.

        Raises
        ------
        WindowOutOfBounds
        """
        if not self.window.contains(window):
            raise WindowOutOfBounds(str(window), self.height, self.width)
        return Grid(
            height=window.height,
            width=window.width,
            transform=self.transform @ Affine.translation(window.col, window.row),
            crs=self.crs,
        )


def covers(window: Window, parts: list[Window]) -> bool:
    """Whether `parts` leave no cell of `window` uncovered.

    Sweeps the rows where a part begins or ends and merges the column ranges between them:
    O(strips x parts in the strip). Parts may overlap and stick out.
    """
    inside = [piece for part in parts if (piece := part.intersection(window))]
    if sum(piece.cell_count for piece in inside) < window.cell_count:
        return False
    rows = sorted({window.row, window.row_stop} | {r for p in inside for r in (p.row, p.row_stop)})
    inside.sort(key=lambda piece: piece.row)
    active: list[Window] = []
    pending = iter(inside)
    upcoming = next(pending, None)
    for row, _ in pairwise(rows):
        active = [piece for piece in active if piece.row_stop > row]
        while upcoming is not None and upcoming.row <= row:
            active.append(upcoming)
            upcoming = next(pending, None)
        if not _columns_covered(window, active):
            return False
    return True


def _columns_covered(window: Window, strip: list[Window]) -> bool:
    reached = window.col
    for piece in sorted(strip, key=lambda piece: piece.col):
        if piece.col > reached:
            return False
        reached = max(reached, piece.col_stop)
    return reached >= window.col_stop
