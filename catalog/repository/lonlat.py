"""Which terrains lie in an extent on the globe, the antimeridian included."""

from __future__ import annotations

import math

from sqlalchemy import ColumnElement, and_, or_

from catalog.models import Terrain
from raster.grid import Extent


def lies_in(bbox: Extent) -> ColumnElement[bool]:
    """Whether a terrain's lon/lat extent and `bbox` touch or overlap.

    Either crosses the antimeridian when its west is greater than its east. Terrains without a
    place on the globe lie nowhere.
    """
    in_longitude = or_(*(_touches(west, east) for west, east in longitude_ranges(bbox.left, bbox.right)))
    return and_(Terrain.south <= bbox.top, Terrain.north >= bbox.bottom, in_longitude)


def _touches(west: float, east: float) -> ColumnElement[bool]:
    begins_before, ends_after = Terrain.west <= east, Terrain.east >= west
    return or_(
        and_(begins_before, ends_after),
        and_(Terrain.west > Terrain.east, or_(begins_before, ends_after)),
    )


def longitude_ranges(west: float, east: float) -> list[tuple[float, float]]:
    """Longitudes from west eastwards to east, as ranges within [-180, 180]."""
    if east - west >= 360:
        return [(-180.0, 180.0)]
    west, east = math.remainder(west, 360), math.remainder(east, 360)
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
