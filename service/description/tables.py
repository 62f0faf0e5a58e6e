"""Tables of tiles, which a route of the same path takes, as OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.description import headers

ROW = '{"url": "golden-east.npy", "x": 4, "y": 0, "height": 5, "width": 3, "dtype": "int16", "nodata": -9999}'

TABLE_CONTENT: Mapping[str, Any] = {
    "application/x-ndjson": {"schema": {"type": "string"}, "example": f"{ROW}\n"},
    "text/csv": {"schema": {"type": "string"}, "example": "url,x,y\ngolden-west.npy,0,0\n"},
}

TABLE_TAKEN: dict[str, Any] = {
    "description": "The table is received; its registration is queued",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TableRegistrationBody"}}},
    "headers": {**headers.RETRY, **headers.located("The state of the registration")},
}
