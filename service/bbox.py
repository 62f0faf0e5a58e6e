"""The parameter `bbox`: an extent on the globe."""

from __future__ import annotations

import re

from raster.errors import GridInvalid
from raster.grid import Extent

_NUMBER = r"-?[0-9]{1,3}(\.[0-9]{1,20})?([eE]-?[0-9]{1,2})?"
BBOX = re.compile(f"^{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}$")


def parse_bbox(text: str) -> Extent:
    """The extent of `west,south,east,north`; west > east crosses the antimeridian.

    Raises
    ------
    GridInvalid
    """
    if BBOX.fullmatch(text) is None:
        raise GridInvalid("bbox", f"{text!r} is not west,south,east,north")
    west, south, east, north = (float(part) for part in text.split(","))
    if not (-90 <= south <= north <= 90 and abs(west) <= 360 and abs(east) <= 360):
        raise GridInvalid("bbox", f"{text!r} is not an extent in degrees: south <= north, within the globe")
    return Extent(west, south, east, north)
