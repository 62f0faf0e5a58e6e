"""Coordinate reference systems as OGC documents name them."""

from __future__ import annotations

import re
from typing import Any

from raster.crs import parse_crs

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CELLS = "http://www.opengis.net/def/crs/OGC/0/Index2D"
"""Of a terrain that lies nowhere: its columns and rows."""

AUTHORITY = "[A-Za-z][A-Za-z0-9_]{0,19}"
CODE = "[A-Za-z0-9._-]{1,40}"
_NAMED = re.compile(f"({AUTHORITY}):({CODE})")


def crs_member(crs: str | None) -> str | dict[str, Any]:
    """A URI, or PROJJSON for a CRS without a code.

    >>> crs_member("EPSG:32632")
    'http://www.opengis.net/def/crs/EPSG/0/32632'
    """
    if crs is None:
        return CELLS
    return crs_uri(crs) or {"wkt": parse_crs(crs).to_json_dict()}


def crs_uri(crs: str) -> str | None:
    """OGC's URI of AUTHORITY:CODE; None for a CRS without a code."""
    named = _NAMED.fullmatch(crs)
    if named is None:
        return None
    version = "1.3" if named[1] == "OGC" else "0"
    return f"http://www.opengis.net/def/crs/{named[1]}/{version}/{named[2]}"
