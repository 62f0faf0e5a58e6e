"""Which tiles of a terrain a list shows: those that hold a cell, or touch an extent on the globe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.models import Terrain
from catalog.repository.lonlat import longitude_ranges
from raster.crs import ground_extents
from raster.errors import GridInvalid
from raster.grid import Extent, Window
from service.bbox import parse_bbox
from service.errors import ParameterInvalid
from service.terrain_grids import anchor_of, window_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TileFilter:
    """What a client asks for; all of it has to hold."""

    row: int | None
    col: int | None
    bbox: str | None

    def windows(self, terrain: Terrain) -> Sequence[Window] | None:
        """The cells in the extent; None when none is asked for.

        Raises
        ------
        GridInvalid
            A malformed bbox, or one for a terrain without CRS.
        """
        if self.bbox is None:
            return None
        return list(_windows_in(terrain, parse_bbox(self.bbox)))

    def cell(self) -> Window | None:
        """The cell; None when none is asked for.

        Raises
        ------
        ParameterInvalid
            A row without a column, or the reverse.
        """
        if (self.row is None) != (self.col is None):
            missing, given = ("col", "row") if self.col is None else ("row", "col")
            raise ParameterInvalid(missing, f"row and col name a cell together; only {given} was given")
        if self.row is None or self.col is None:
            return None
        return Window(row=self.row, col=self.col, height=1, width=1)


def _windows_in(terrain: Terrain, bbox: Extent) -> Iterator[Window]:
    """The terrain's cells that touch `bbox`.

    In the terrain's CRS a rectangle of degrees is the box around it, so there may be cells a
    little beyond `bbox`, never fewer.
    """
    if terrain.crs is None:
        raise GridInvalid("bbox", f"terrain {terrain.name!r} has no CRS, so nothing is known of its place")
    everything = window_of(terrain)
    if everything is None:
        return
    if terrain.west is None or terrain.south is None or terrain.east is None or terrain.north is None:
        raise GridInvalid("bbox", f"the CRS of terrain {terrain.name!r} does not tell longitudes")
    whole = Extent(terrain.west, terrain.south, terrain.east, terrain.north)
    for part in _common(whole, bbox):
        for extent in ground_extents(part, terrain.crs):
            window = _touched(terrain, extent).intersection(everything)
            if window is not None:
                yield window


def _common(one: Extent, other: Extent) -> Iterator[Extent]:
    """What two extents in degrees share, in parts that do not cross the antimeridian."""
    bottom, top = max(one.bottom, other.bottom), min(one.top, other.top)
    if bottom > top:
        return
    for west, east in longitude_ranges(one.left, one.right):
        for other_west, other_east in longitude_ranges(other.left, other.right):
            left, right = max(west, other_west), min(east, other_east)
            if left <= right:
                yield Extent(left, bottom, right, top)


def _touched(terrain: Terrain, extent: Extent) -> Window:
    """Cells that `extent` overlaps or touches, of the endless grid."""
    to_cells = ~anchor_of(terrain).ground
    left, top = to_cells @ (extent.left, extent.top)
    right, bottom = to_cells @ (extent.right, extent.bottom)
    row, col = math.ceil(top) - 1, math.ceil(left) - 1
    return Window(row=row, col=col, height=math.floor(bottom) - row + 1, width=math.floor(right) - col + 1)
