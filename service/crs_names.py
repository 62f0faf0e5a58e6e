"""Coordinate reference systems as OGC documents name them."""

from __future__ import annotations

import re
from typing import Any

from raster.crs import parse_crs

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CELLS = "http://www.opengis.net/def/crs/OGC/0/Index2D"
"""Of a terrain that lies nowhere: its columns and rows."""

_CODE = re.compile(r"([A-Za-z0-9]+):([A-Za-z0-9]+)")


def crs_member(crs: str | None) -> str | dict[str, Any]:
    """A URI, or PROJJSON for a CRS without a code.

    >>> crs_member("EPSG:32632")
    'http://www.opengis.net/def/crs/EPSG/0/32632'
    """
    if crs is None:
        return CELLS
    code = _CODE.fullmatch(crs)
    if code is None:
        return {"wkt": parse_crs(crs).to_json_dict()}
    if code[1] == "OGC":
        return f"http://www.opengis.net/def/crs/OGC/1.3/{code[2]}"
    return f"http://www.opengis.net/def/crs/{code[1]}/0/{code[2]}"
