"""Parameters that several routes take, and those with a form of their own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import Field, StringConstraints

from catalog.repository.paging import encode_cursor
from service.bbox import BBOX


def _cursor(after: str) -> Any:
    return Query(
        description="Cursor of the page before, as its `next` has it.", examples=[encode_cursor(after)]
    )


TerrainKey = Annotated[str, Path(description="Name or id.", examples=["golden"])]
MetricName = Annotated[str, Path(description="Name of a metric.", examples=["max"])]
TileId = Annotated[int, Path(ge=1, lt=2**63, examples=[1])]

PageSize = Annotated[int, Query(ge=1, le=1000, description="Most items of the page.", examples=[100])]
Cursor = Annotated[str, StringConstraints(max_length=500, pattern=r"^[A-Za-z0-9_-]+$")]
AfterTerrain = Annotated[Cursor | None, _cursor(after="golden")]
AfterTile = Annotated[Cursor | None, _cursor(after="1")]
Bbox = Annotated[
    Annotated[str, StringConstraints(max_length=200), Field(json_schema_extra={"pattern": BBOX.pattern})]
    | None,
    Query(
        description="west,south,east,north in degrees; west > east crosses the antimeridian.",
        examples=["5.9,45.8,10.5,47.8"],
    ),
]
Prefer = Annotated[
    str | None,
    Header(
        alias="Prefer",
        description="`wait=seconds` for a build, or `respond-async`; RFC 7240.",
        examples=["wait=10"],
    ),
]
