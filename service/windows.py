"""Windows of levels as clients ask for them: by cells, or by a box on the ground; a level by its fineness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from raster.errors import WindowOutOfBounds
from raster.grid import Extent, Grid, Window
from raster.snapping import LaidBox, lay_box

CLOSE = 1 + 1e-9
"""A cell that is larger by less is not: its size was computed."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A window of a level, counted from 0."""

    level: int
    window: Window


class Asked(Protocol):
    """A window of some level, whatever it is named by. Equal requests are equal."""

    def __hash__(self) -> int: ...

    def place(self, grid: Grid, most_cells: int) -> Placed:
        """Where the window is in the pyramid over `grid`.

        Parameters
        ----------
        most_cells : int
            Cells that an answer may hold. What is asked for may be larger.

        Raises
        ------
        LevelNotFound, WindowOutOfBounds, BoxOutside, BoxSplit, GridInvalid
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAsked:
    """A window of a level by its cells; None: from the first cell, to the last."""

    level: int
    row: int | None = None
    col: int | None = None
    height: int | None = None
    width: int | None = None

    def place(self, grid: Grid, most_cells: int) -> Placed:
        level = grid.level(self.level)
        row, col = self.row or 0, self.col or 0
        height = level.height - row if self.height is None else self.height
        width = level.width - col if self.width is None else self.width
        if height < 1 or width < 1:
            asked = f"row={row} col={col} height={height} width={width}"
            raise WindowOutOfBounds(asked, level.height, level.width)
        window = Window(row=row, col=col, height=height, width=width)
        level.part(window)
        return Placed(self.level % grid.level_count, window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle on the ground, x before y; `crs` None: the terrain's own."""

    extent: Extent
    crs: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxAsked:
    """The cells of a level that a box touches.

    Attributes
    ----------
    box : Box, optional
        None: the whole level.
    level : int, optional
        None: by the next two; without them the finest that one answer may hold.
    resolution : float, optional
        The coarsest level whose cells are no larger, in units of the CRS; else the finest there is.
    max_size : int, optional
        The finest level in which the longer side of the window has no more cells.
    """

    box: Box | None
    level: int | None = None
    resolution: float | None = None
    max_size: int | None = None

    def place(self, grid: Grid, most_cells: int) -> Placed:
        levels = self._levels(grid)
        finest = grid.level(levels[0])
        laid = None if self.box is None else lay_box(finest, self.box.extent, self.box.crs)
        placed = (Placed(level, _window(grid.level(level), laid)) for level in levels)
        return next(each for each in placed if len(levels) == 1 or self._fits(each.window, most_cells))

    def _levels(self, grid: Grid) -> Sequence[int]:
        """Those that come into question, the finest first."""
        if self.level is not None:
            grid.level(self.level)
            return (self.level % grid.level_count,)
        if self.resolution is not None:
            return (_coarsest(grid, self.resolution),)
        return range(grid.level_count)

    def _fits(self, window: Window, most_cells: int) -> bool:
        if self.max_size is not None:
            return max(window.shape) <= self.max_size
        return window.cell_count <= most_cells


def _window(level: Grid, laid: LaidBox | None) -> Window:
    return level.window if laid is None else laid.snap(level)


def _coarsest(grid: Grid, resolution: float) -> int:
    """The coarsest level whose cells are no larger than `resolution`, else 0."""
    side = max(abs(grid.transform.a), abs(grid.transform.e))
    fine = (level for level in range(grid.level_count) if side * 2**level <= resolution * CLOSE)
    return max(fine, default=0)
