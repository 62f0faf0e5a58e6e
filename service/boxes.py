"""The parameters `bbox` and `bbox-crs`: a rectangle on the ground, as OGC's interfaces name it."""

from __future__ import annotations

import math
import re

from raster.crs import LONLAT, is_y_first, parse_crs
from raster.errors import GridInvalid
from raster.grid import Extent
from service.crs_names import AUTHORITY, CODE, crs_uri
from service.errors import ParameterInvalid
from service.numbers import NUMBER, read_number
from service.windows import Box

OWN = "terrain"
"""As `bbox-crs`: the terrain's own CRS, or cells' ground where there is none; x before y."""

NAMED = f"{AUTHORITY}:{CODE}"
CRS_TEXT = re.compile(
    rf"^({OWN}|{NAMED}|\[{NAMED}\]|https?://www\.opengis\.net/def/crs/{AUTHORITY}/[^/]{{1,20}}/{CODE})$"
)
BOX_TEXT = re.compile(f"^{NUMBER}(,{NUMBER}){{3}}$")


def parse_box(text: str, crs_text: str | None) -> Box:
    """A rectangle from its lower left and its upper right corner, in the order of the CRS's axes.

    Parameters
    ----------
    text : str
        Four numbers with commas between.
    crs_text : str, optional
        A URI of OGC's, `[AUTHORITY:CODE]`, AUTHORITY:CODE or `terrain`; default: OGC:CRS84.

    Raises
    ------
    ParameterInvalid
    GridInvalid
        There is no such CRS.
    """
    if BOX_TEXT.fullmatch(text) is None:
        raise ParameterInvalid("bbox", f"{text[:100]!r} is not four numbers with commas between")
    try:
        one, two, three, four = map(read_number, text.split(","))
    except ValueError as error:
        raise ParameterInvalid("bbox", str(error)) from error
    crs = parse_bbox_crs(crs_text or LONLAT)
    if crs is not None and is_y_first(crs):
        one, two, three, four = two, one, four, three
    is_geographic = crs is not None and parse_crs(crs).is_geographic
    if two > four or (one > three and not is_geographic):
        raise ParameterInvalid("bbox", f"{text!r} has its upper right corner before its lower left one")
    if is_geographic and crs is not None:
        _check_degrees(text, crs, (one, two, three, four))
    return Box(extent=Extent(one, two, three, four), crs=crs)


def parse_bbox_crs(text: str) -> str | None:
    """AUTHORITY:CODE of a CRS; None for the terrain's own.

    Raises
    ------
    ParameterInvalid
    GridInvalid
        There is no such CRS.
    """
    if CRS_TEXT.fullmatch(text) is None:
        raise ParameterInvalid(
            "bbox-crs", f"{text[:100]!r} is neither AUTHORITY:CODE, nor a URI of a CRS, nor {OWN!r}"
        )
    if text == OWN:
        return None
    named = text.strip("[]")
    if named.startswith("http"):
        authority, _, code = named.split("/")[-3:]
        named = f"{authority}:{code}"
    crs = parse_crs(named)
    if crs.is_geocentric or crs.is_vertical:
        raise GridInvalid("bbox-crs", f"{named!r} is not of a map's x and y")
    return named


def name_bbox(extent: Extent, crs: str | None) -> dict[str, str]:
    """The headers that say where an answer lies; in a CRS without a code only its numbers, x before y."""
    numbers = (extent.left, extent.bottom, extent.right, extent.top)
    uri = None if crs is None else crs_uri(crs)
    if crs is None or uri is None:
        return {"Content-Bbox": ",".join(map(repr, numbers))}
    if is_y_first(crs):
        numbers = (extent.bottom, extent.left, extent.top, extent.right)
    return {"Content-Bbox": ",".join(map(repr, numbers)), "Content-Crs": f"<{uri}>"}


def _check_degrees(text: str, crs: str, numbers: tuple[float, float, float, float]) -> None:
    factor = float(parse_crs(crs).axis_info[0].unit_conversion_factor)
    left, bottom, right, top = (math.degrees(number * factor) for number in numbers)
    if bottom < -90 - 1e-9 or top > 90 + 1e-9 or abs(left) > 540 or abs(right) > 540:
        raise ParameterInvalid("bbox", f"{text!r} leaves the globe; is it in the order of the axes of {crs}?")
