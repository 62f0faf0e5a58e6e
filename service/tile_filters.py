"""Which tiles of a terrain a list shows: those that hold a cell, or touch an extent on the globe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.models import Terrain
from raster.crs import ground_extents
from raster.errors import GridInvalid
from raster.grid import Extent, Window
from service.bbox import parse_bbox
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
        return [window for extent in _on_ground(terrain, self.bbox) if (window := _cells(terrain, extent))]

    def cell(self) -> Window | None:
        """The cell; None when none is asked for.

        Raises
        ------
        GridInvalid
            A row without a column, or the reverse.
        """
        if (self.row is None) != (self.col is None):
            missing, given = ("col", "row") if self.col is None else ("row", "col")
            raise GridInvalid(missing, f"row and col name a cell together; only {given} was given")
        if self.row is None or self.col is None:
            return None
        return Window(row=self.row, col=self.col, height=1, width=1)


def _on_ground(terrain: Terrain, bbox: str) -> list[Extent]:
    extent = parse_bbox(bbox)
    if terrain.crs is None:
        raise GridInvalid("bbox", f"terrain {terrain.name!r} has no CRS, so nothing is known of its place")
    return ground_extents(extent, terrain.crs)


def _cells(terrain: Terrain, extent: Extent) -> Window | None:
    """The terrain's cells in an extent on the ground, snapped outward; None when there are none."""
    ground, whole = anchor_of(terrain).ground, window_of(terrain)
    if whole is None:
        return None
    left, right = ((x - ground.c) / ground.a for x in (extent.left, extent.right))
    top, bottom = ((y - ground.f) / ground.e for y in (extent.top, extent.bottom))
    col, col_stop = max(math.floor(left), whole.col), min(math.ceil(right), whole.col_stop)
    row, row_stop = max(math.floor(top), whole.row), min(math.ceil(bottom), whole.row_stop)
    if row >= row_stop or col >= col_stop:
        return None
    return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)
