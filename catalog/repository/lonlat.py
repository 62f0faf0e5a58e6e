"""Which terrains lie in an extent on the globe, the antimeridian included."""

from __future__ import annotations

import math

from sqlalchemy import Boolean, ColumnElement, and_, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from catalog.models import Terrain
from raster.grid import Extent


def lies_in(bbox: Extent) -> ColumnElement[bool]:
    """Whether a terrain's lon/lat extent and `bbox` touch or overlap.

    Either crosses the antimeridian when its west is greater than its east. Terrains without a
    place on the globe lie nowhere.
    """
    ranges = longitude_ranges(bbox.left, bbox.right)
    in_longitude = or_(*(_touches(west, east) for west, east in ranges))
    # a terrain across the antimeridian reaches beyond 180° in the index
    turns = [(west + turn, east + turn) for west, east in ranges for turn in (0.0, 360.0)]
    in_index = or_(*(MayTouch(west, bbox.bottom, east, bbox.top) for west, east in turns))
    return and_(Terrain.south <= bbox.top, Terrain.north >= bbox.bottom, in_longitude, in_index)


class MayTouch(FunctionElement[bool]):
    """A condition for the sake of an index on places; true where there is none.

    It holds for every terrain whose box touches the one given: west, south, east, north.
    """

    inherit_cache = True
    type = Boolean()

    def __init__(self, *sides: float) -> None:
        super().__init__(*map(literal, sides))


@compiles(MayTouch)
def _compile_to_true(_element: MayTouch, _compiler: SQLCompiler, **_: object) -> str:
    return "1 = 1"


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
