"""Coordinate reference systems by meaning: one canonical text for each, comparison, lon/lat extents."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import lru_cache

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from raster.errors import GridInvalid
from raster.grid import Extent

LONLAT = "OGC:CRS84"
"""Longitude and latitude, WGS 84 degrees, in this order."""

EDGE_SAMPLES = 21
"""Points a side of an extent is sampled at when transformed: what GDAL and PROJ use by default."""


DEGREE_SAMPLES = 181
"""Points a side of a rectangle of degrees: on a polar map it may be a full circle."""


NAMES_A_FILE = re.compile(
    r"""\binit\s*=|(grids?|file|model)\s*=(?!@null\b)|PARAMETERFILE\[\s*"[^"]*"\s*,\s*"[^"]*[/\\]""",
    re.IGNORECASE,
)
"""What makes PROJ open a file of the text's choice, anywhere on the disk; @null is no grid. In WKT, grids of
PROJ's own folder have plain names."""


@lru_cache(maxsize=256)
def parse_crs(text: str) -> CRS:
    """CRS of an authority code, WKT, PROJJSON or PROJ string.

    Raises
    ------
    GridInvalid
        It is none, or names a file.
    """
    try:
        if not NAMES_A_FILE.search(text):
            crs = CRS.from_user_input(text)
            if not NAMES_A_FILE.search(crs.to_wkt("WKT2_2019")):  # of PROJJSON
                return crs
    except (CRSError, UnicodeEncodeError) as error:
        raise GridInvalid("crs", f"{text[:80]!r} is not a coordinate reference system") from error
    raise GridInvalid("crs", f"{text[:80]!r} names a file; give the system itself, without its grids")


@lru_cache(maxsize=256)
def canonical_crs(text: str) -> str:
    """AUTHORITY:CODE when the CRS surely is that one, else its WKT2:2019.

    Raises
    ------
    GridInvalid
        It is no CRS, or none that a row and a column lead to a place in.
    """
    crs = parse_crs(text)
    if crs.is_geocentric or (crs.is_vertical and not crs.is_compound):
        raise GridInvalid(
            "crs", f"{text[:80]!r} has heights or the Earth's centre as its axes, not a map's x and y"
        )
    authority = crs.to_authority()
    # a likely match is a match only if it means the same
    if authority is not None and CRS.from_authority(*authority).equals(crs, ignore_axis_order=True):
        return ":".join(authority)
    return crs.to_wkt("WKT2_2019")


@lru_cache(maxsize=256)
def same_crs(one: str, other: str) -> bool:
    """Whether both mean the same, axis order aside (rasters are always x, y)."""
    return one == other or parse_crs(one).equals(parse_crs(other), ignore_axis_order=True)


@lru_cache(maxsize=256)
def transformation(source: str, target: str) -> Transformer:
    """The transformation of x, y (or longitude, latitude) from one CRS to another; it is dear to make.

    Threads may share it: each has a copy of PROJ's own inside.

    Raises
    ------
    GridInvalid
        One of both is no CRS.
    ProjError
        There is no way between them.
    """
    return Transformer.from_crs(parse_crs(source), parse_crs(target), always_xy=True)


@lru_cache(maxsize=256)
def are_connected(one: str, other: str) -> bool:
    """Whether PROJ knows a way between them: there is none from a plant's own axes, nor from Mars."""
    try:
        transformation(one, other)
    except ProjError:
        return False
    return True


def bounds_between(extent: Extent, source: str, target: str, samples: int) -> Extent | None:
    """The box around an extent in another CRS; None where PROJ has no answer.

    Parameters
    ----------
    samples : int
        Points a side that are looked at.

    Returns
    -------
    In a geographic CRS left > right when it crosses the antimeridian.
    """
    try:
        bounds = transformation(source, target).transform_bounds(
            extent.left, extent.bottom, extent.right, extent.top, densify_pts=samples, errcheck=True
        )
    except ProjError:
        return None
    return Extent(*bounds) if all(map(math.isfinite, bounds)) else None


def lonlat_extent(extent: Extent, crs: str) -> Extent | None:
    """`extent` in WGS 84 degrees, longitudes in [-180, 180]; None where PROJ has no answer.

    left > right when it crosses the antimeridian; -180 to 180 when it goes around the globe.
    """
    bounds = bounds_between(extent, crs, LONLAT, EDGE_SAMPLES)
    if bounds is None:
        return None
    south, north = max(bounds.bottom, -90.0), min(bounds.top, 90.0)
    if bounds.right - bounds.left >= 360:
        return Extent(-180.0, south, 180.0, north)
    return Extent(_wrapped(bounds.left), south, _wrapped(bounds.right), north)


def ground_extents(lonlat: Extent, crs: str) -> list[Extent]:
    """Rectangles on the ground of `crs` around a rectangle of degrees; none where PROJ has no answer.

    Parameters
    ----------
    lonlat : Extent
        WGS 84, -180 <= left <= right <= 180. Only its edges are looked at, so it had better be
        no larger than the region the CRS is made for.

    Returns
    -------
    One; of a geographic CRS also its neighbours a turn to the west and to the east, since the x
    of a grid that crosses the antimeridian go on beyond it.
    """
    bounds = bounds_between(lonlat, LONLAT, crs, DEGREE_SAMPLES)
    return [] if bounds is None else with_turns(bounds, crs)


def with_turns(extent: Extent, crs: str) -> list[Extent]:
    """An extent; in a geographic CRS also where it is a turn to the west and to the east."""
    turn = turn_of(crs)
    shifts = (0.0,) if turn is None else (-turn, 0.0, turn)
    return [replace(extent, left=extent.left + shift, right=extent.right + shift) for shift in shifts]


def is_y_first(crs: str) -> bool:
    """Whether y, or latitude, is the first coordinate where the order of the CRS's axes counts.

    Not where both run north, on a map of a pole, unless their names say so: this is PROJ's own rule.
    """
    axes = parse_crs(crs).axis_info[:2]
    directions = [axis.direction.lower() for axis in axes]
    if directions in (["north", "north"], ["south", "south"]):
        return [axis.name for axis in axes] == ["Northing", "Easting"]
    return directions == ["north", "east"]


def turn_of(crs: str) -> float | None:
    """A full circle in the units of a geographic CRS; None of any other."""
    parsed = parse_crs(crs)
    if not parsed.is_geographic:
        return None
    return 2 * math.pi / float(parsed.axis_info[0].unit_conversion_factor)


def _wrapped(longitude: float) -> float:
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180
