"""Rectangles on the ground as windows of a grid: every cell that is touched, and no other.

A rectangle of another CRS is not one here: the box around it is taken, so there may be cells a little
beyond it, never fewer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from raster.box_errors import BoxOutside, BoxSplit
from raster.crs import (
    DEGREE_SAMPLES,
    LONLAT,
    bounds_between,
    ground_extents,
    lonlat_extent,
    parse_crs,
    same_crs,
    turn_of,
    with_turns,
)
from raster.grid import Extent, Grid, Window

TOLERANCE_CELLS = 1e-6
"""A box that reaches so little into a cell does not touch it: its edges were computed."""


@dataclass(frozen=True, slots=True)
class LaidBox:
    """A box on the ground of a grid and of all levels over it.

    Attributes
    ----------
    box : Extent
        As it was given.
    crs : str, optional
        Of `box`.
    extents : tuple of Extent
        On the grid's ground.
    """

    box: Extent
    crs: str | None
    extents: tuple[Extent, ...]

    def snap(self, level: Grid) -> Window:
        """The cells of a level that the box touches.

        Raises
        ------
        BoxOutside
            It touches none, or there is no way from its CRS to the grid's.
        BoxSplit
            It touches both ends of a grid that goes around the globe, and not what lies between them.
        """
        found = [_touched(level, each) for each in self.extents]
        windows = sorted({each for each in found if each is not None}, key=lambda window: window.col)
        if not windows:
            raise BoxOutside(_told(self.box), self.crs)
        together = windows[0]
        for window in windows[1:]:
            if window.col > together.col_stop:
                raise BoxSplit(_told(self.box), str(together), str(window))
            together = together.union(window)
        return together


def lay_box(grid: Grid, box: Extent, crs: str | None) -> LaidBox:
    """A box on a grid's ground: PROJ is asked once, however many levels it is snapped to.

    Parameters
    ----------
    grid : Grid
    box : Extent
        x before y, whatever the CRS says; an edge may be as long as nothing. In a geographic CRS left >
        right crosses the antimeridian.
    crs : str, optional
        Of the box; None: the grid's own.
    """
    return LaidBox(box, crs, tuple(_boxes_on(grid, box, crs)))


def _boxes_on(grid: Grid, box: Extent, crs: str | None) -> list[Extent]:
    """Boxes on the grid's ground; in a geographic CRS also those a turn to the west and to the east."""
    if crs is None or (grid.crs is not None and same_crs(crs, grid.crs)):
        return _turned(box, grid.crs)
    if grid.crs is None:
        return []
    unrolled = _unrolled(box, crs)
    if not parse_crs(crs).is_geographic:
        direct = _transformed(unrolled, crs, grid.crs)
        if direct is not None:
            return _turned(direct, grid.crs)
    return _by_degrees(grid, unrolled, crs)


def _by_degrees(grid: Grid, box: Extent, crs: str) -> list[Extent]:
    """By way of what the box and the grid share on the globe: PROJ may have no answer for the rest."""
    degrees = box if same_crs(crs, LONLAT) else _transformed(box, crs, LONLAT)
    whole = None if grid.crs is None else lonlat_extent(grid.extent, grid.crs)
    if degrees is None or whole is None or grid.crs is None:
        return []
    parts = [common for part in _within_globe(degrees) for common in _common(part, whole)]
    return [extent for part in parts for extent in ground_extents(part, grid.crs)]


def _unrolled(box: Extent, crs: str | None) -> Extent:
    """The same, its right edge a turn further on where it crosses the antimeridian."""
    turn = None if crs is None else turn_of(crs)
    return replace(box, right=box.right + turn) if turn is not None and box.right < box.left else box


def _turned(box: Extent, crs: str | None) -> list[Extent]:
    return [box] if crs is None else with_turns(_unrolled(box, crs), crs)


def _transformed(box: Extent, source: str, target: str) -> Extent | None:
    bounds = bounds_between(box, source, target, DEGREE_SAMPLES)
    return None if bounds is None else _unrolled(bounds, target)


def _within_globe(degrees: Extent) -> list[Extent]:
    """The parts of a box between -180 and 180 degrees, wherever its numbers begin."""
    if degrees.right - degrees.left >= 360:
        return [replace(degrees, left=-180.0, right=180.0)]
    left = (degrees.left + 180) % 360 - 180
    right = left + degrees.right - degrees.left
    if right <= 180:
        return [replace(degrees, left=left, right=right)]
    return [replace(degrees, left=left, right=180.0), replace(degrees, left=-180.0, right=right - 360)]


def _common(part: Extent, whole: Extent) -> list[Extent]:
    """What both hold; `whole` crosses the antimeridian where its left > right."""
    sides = [(whole.left, whole.right)]
    if whole.left > whole.right:
        sides = [(whole.left, 180.0), (-180.0, whole.right)]
    bottom, top = max(part.bottom, whole.bottom), min(part.top, whole.top)
    shared = [(max(part.left, left), min(part.right, right)) for left, right in sides]
    return [Extent(left, bottom, right, top) for left, right in shared if left <= right and bottom <= top]


def _touched(grid: Grid, box: Extent) -> Window | None:
    """Cells of the grid that a box on its ground overlaps; of what has no area the cell it lies in."""
    to_cells = ~grid.transform
    left, top = to_cells @ (box.left, box.top)
    right, bottom = to_cells @ (box.right, box.bottom)
    rows, cols = _range(top, bottom, grid.height), _range(left, right, grid.width)
    if rows is None or cols is None:
        return None
    return Window(row=rows.start, col=cols.start, height=len(rows), width=len(cols))


def _range(start: float, stop: float, size: int) -> range | None:
    """The cells between two places along an axis; None for none, and where a place is not a number."""
    if not (stop >= -TOLERANCE_CELLS and start <= size + TOLERANCE_CELLS):
        return None
    # integers would hold no numbers from far out
    start, stop = max(start, -1.0), min(stop, size + 1.0)
    if stop - start <= 2 * TOLERANCE_CELLS:
        first = min(max(math.floor(start), 0), size - 1)  # the last edge is the last cell's
        return range(first, first + 1)
    inside = range(max(math.floor(start + TOLERANCE_CELLS), 0), min(math.ceil(stop - TOLERANCE_CELLS), size))
    return inside or None


def _told(box: Extent) -> str:
    return f"{box.left},{box.bottom},{box.right},{box.top}"
