"""What routes share that give values at points: their parameters, what may go wrong, who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from catalog.errors import TerrainNotFound
from raster.errors import MetricNotFound, PyramidCorrupt
from service.description.problems import BUILD_ERRORS, CATALOGUE_ERRORS
from service.desk import Desk, GivenDesk
from service.elevation_schemas import InterpolationWord
from service.encoding import MEDIA_TYPES, encode_members
from service.errors import BuildNeedsKey
from service.generation_headers import generation_headers
from service.key_guard import granted_scope
from service.prefer import prefer_in
from service.pyramid_answers import Answering, find_answering, replacing_damaged
from service.value_errors import PlaceUnknown, PointsTooMany, PyramidPending

VALUE_ERRORS: tuple[type[Exception], ...] = (
    TerrainNotFound,
    MetricNotFound,
    PlaceUnknown,
    BuildNeedsKey,
    PyramidCorrupt,
    PyramidPending,
    *BUILD_ERRORS,
    *CATALOGUE_ERRORS,
)
"""What whoever asks for values may be told."""

InAddress = Annotated[str, Field(max_length=5000, pattern=r"^[!-~]*$")]
"""Many points. Longer addresses are refused by many on the way, here at 16 KiB; POST takes more."""

MetricAsked = Annotated[
    str | None,
    Query(max_length=100, description="Default: `mean` if it was ever built, else `max`.", examples=["max"]),
]
InterpolationAsked = Annotated[
    InterpolationWord,
    Query(
        description="`nearest`: the cell that the point lies in. `bilinear`: between the centres of the "
        "cells around it, of those that have data. A point in a cell of nodata is nodata either way.",
        examples=["nearest"],
    ),
]


async def find_for(
    request: Request, desk: Desk, terrain: str, metric: str | None, prefer: str | None
) -> Answering:
    """The generation that answers a request for values."""
    preference = prefer_in(prefer, desk.house.settings)
    return await find_answering(desk, granted_scope(request.scope), terrain, metric, preference.wait_s)


async def answer_values(
    desk: Desk, answering: Answering, describe: Callable[[], Mapping[str, Any]], headers: Mapping[str, str]
) -> Response:
    """What `describe` tells, which blocks; a pyramid that is found damaged by it is ordered anew."""
    with replacing_damaged(desk, answering.standing):
        content = await desk.run(lambda: encode_members(describe()))
    return Response(content, media_type=MEDIA_TYPES["json"], headers=dict(headers))


def headers_of(answering: Answering) -> dict[str, str]:
    """What every answer with values says of itself."""
    return {"Cache-Control": "no-cache", **generation_headers(answering.generation, answering.state)}


def check_count(desk: Desk, count: int) -> None:
    """Whether one answer may hold so many points.

    Raises
    ------
    PointsTooMany
    """
    limit = desk.house.settings.max_points
    if count > limit:
        raise PointsTooMany(count, limit)


async def _check_listed(request: Request, desk: GivenDesk) -> None:
    """Count what a body lists before a model is made of each, while nobody else is served."""
    body: Any = await request.json() if await request.body() else None
    for listed in body.values() if isinstance(body, dict) else ():
        if isinstance(listed, list):
            check_count(desk, len(listed))


LISTED_POINTS = Depends(_check_listed)
"""Of a route with a list of points in its body; depended upon, it comes before the body's models."""
