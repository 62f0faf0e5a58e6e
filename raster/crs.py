"""Coordinate reference systems by meaning: one canonical text for each, comparison, lon/lat extents."""

from __future__ import annotations

import math
from functools import lru_cache

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from raster.errors import GridInvalid
from raster.grid import Extent

EDGE_SAMPLES = 21
"""Points a side of an extent is sampled at when transformed: what GDAL and PROJ use by default."""


@lru_cache(maxsize=256)
def parse_crs(text: str) -> CRS:
    """CRS of an authority code, WKT, PROJJSON or PROJ string.

    Raises
    ------
    GridInvalid
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise GridInvalid("crs", f"{text[:80]!r} is not a coordinate reference system") from error


@lru_cache(maxsize=256)
def canonical_crs(text: str) -> str:
    """AUTHORITY:CODE when the CRS surely is that one, else its WKT2:2019.

    Raises
    ------
    GridInvalid
    """
    crs = parse_crs(text)
    authority = crs.to_authority()
    # a likely match is a match only if it means the same
    if authority is not None and CRS.from_authority(*authority).equals(crs, ignore_axis_order=True):
        return ":".join(authority)
    return crs.to_wkt("WKT2_2019")


@lru_cache(maxsize=256)
def same_crs(one: str, other: str) -> bool:
    """Whether both mean the same, axis order aside (rasters are always x, y)."""
    return one == other or parse_crs(one).equals(parse_crs(other), ignore_axis_order=True)


def lonlat_extent(extent: Extent, crs: str) -> Extent | None:
    """`extent` in WGS 84 degrees, longitudes in [-180, 180]; None where PROJ has no answer.

    left > right when it crosses the antimeridian; -180 to 180 when it goes around the globe.
    """
    try:
        transformer = Transformer.from_crs(parse_crs(crs), "OGC:CRS84", always_xy=True)
        bounds = transformer.transform_bounds(
            extent.left, extent.bottom, extent.right, extent.top, densify_pts=EDGE_SAMPLES, errcheck=True
        )
    except ProjError:
        return None
    west, south, east, north = bounds
    if not all(map(math.isfinite, bounds)):
        return None
    if east - west >= 360:
        return Extent(-180.0, max(south, -90.0), 180.0, min(north, 90.0))
    return Extent(_wrapped(west), max(south, -90.0), _wrapped(east), min(north, 90.0))


def ground_extents(lonlat: Extent, crs: str) -> list[Extent]:
    """Extents in `crs` around an extent in WGS 84 degrees, which may cross the antimeridian.

    One for each side of the antimeridian; for geographic systems also a turn of the globe away,
    where grids that run past 180 degrees have their cells. None where PROJ has no answer.
    """
    west, east = lonlat.left, lonlat.right
    ranges = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    parsed = parse_crs(crs)
    turns = (-360.0, 0.0, 360.0) if parsed.is_geographic else (0.0,)
    transformer = Transformer.from_crs("OGC:CRS84", parsed, always_xy=True)
    found: list[Extent] = []
    for left, right in ranges:
        try:
            bounds = transformer.transform_bounds(
                left, lonlat.bottom, right, lonlat.top, densify_pts=EDGE_SAMPLES, errcheck=True
            )
        except ProjError:
            continue
        if all(map(math.isfinite, bounds)) and bounds[0] <= bounds[2]:
            found += [Extent(bounds[0] + turn, bounds[1], bounds[2] + turn, bounds[3]) for turn in turns]
    return found


def _wrapped(longitude: float) -> float:
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180
