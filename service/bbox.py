"""The parameter `bbox`: an extent on the globe."""

from __future__ import annotations

from raster.errors import GridInvalid
from raster.grid import Extent


def parse_bbox(text: str) -> Extent:
    """The extent of `west,south,east,north`; west > east crosses the antimeridian.

    Raises
    ------
    GridInvalid
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise GridInvalid("bbox", f"{text!r} is not west,south,east,north") from error
    if not (-90 <= south <= north <= 90 and abs(west) <= 360 and abs(east) <= 360):
        raise GridInvalid("bbox", f"{text!r} is not an extent in degrees: south <= north, within the globe")
    return Extent(west, south, east, north)
