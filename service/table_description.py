"""What the OpenAPI document says of tables of tiles, which a route of the same path takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.problems import RETRY

ROW = '{"url": "a.tif", "x": 0, "y": 0, "height": 512, "width": 512, "dtype": "int16", "nodata": -9999}'

TABLE_CONTENT: Mapping[str, Any] = {
    "application/x-ndjson": {"schema": {"type": "string"}, "example": f"{ROW}\n"},
    "text/csv": {"schema": {"type": "string"}, "example": "url,x,y\na.tif,0,0\n"},
}

TABLE_TAKEN: dict[str, Any] = {
    "description": "The table is received; its registration is queued",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TableRegistrationBody"}}},
    "headers": {
        **RETRY,
        "Location": {"description": "The state of the registration", "schema": {"type": "string"}},
    },
}
