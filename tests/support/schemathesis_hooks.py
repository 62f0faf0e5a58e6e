"""What schemathesis cannot know of the service. Each exception says why; whatever else fails is a defect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure, ServerError
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.transport import SerializationContext

TABLES = ("application/x-ndjson", "text/csv")

BEYOND_SCHEMAS: Mapping[str, str] = {
    "box-outside": "a box touches the terrain",
    "box-split": "a box does not go around the globe",
    "cursor-invalid": "a cursor is one that a page gave",
    "generation-not-found": "a generation is one that a state named",
    "grid-invalid": "a CRS is known to PROJ, an extent has an area, a terrain with a bbox has a CRS",
    "line-invalid": "a line has two vertices of two numbers each, and places for them in the CRS",
    "parameter-invalid": "row and col go together, a point is named in one way, locations are numbers",
    "place-unknown": "a terrain that is asked by degrees has a CRS",
    "placement-refused": "a tile lies on the grid of its terrain",
    "points-too-many": "there is a setting for how many points are answered",
    "registration-refused": "a tile is a file below the tile root",
    "terrain-too-large": "an extent has at most so many cells together, or a tile is so far from others",
    "window-out-of-bounds": "a window lies in its level",
    "window-too-large": "a window has at most so many cells together",
}
"""Problems of requests that are as the schema says, and which no schema can tell."""


@schemathesis.serializer(*TABLES)
def write_table(ctx: SerializationContext, value: object) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else repr(value).encode()


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """False drops the failure."""
    if isinstance(failure, RejectedPositiveData):
        # HEAD is GET without the body which has the problem; test_head_requests.py compares them
        return case.method != "HEAD" and problem_of(response) not in BEYOND_SCHEMAS
    if isinstance(failure, AcceptedNegativeData):
        # a table is taken as it comes, and read later: what is wrong with it is said of its rows
        return case.media_type not in TABLES
    if isinstance(failure, ServerError):
        # maps and values never promise: on a busy machine a pyramid takes longer than they wait
        return problem_of(response) != "pyramid-pending"
    return True


def problem_of(response: Response) -> str:
    """The kind of an answer's problem, also in the words of Open Topo Data."""
    if "json" not in response.headers.get("content-type", [""])[0]:
        return ""
    told = response.json()
    return str(told.get("type", "")).rpartition("/")[2] if isinstance(told, dict) else ""
