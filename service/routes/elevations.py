"""Values at points of a terrain."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from catalog.errors import TerrainNotFound
from raster.errors import MetricNotFound, PyramidCorrupt
from raster.points import Interpolation
from service.description.headers import ANSWERING, LEVEL
from service.description.parameters import Prefer, TerrainKey
from service.description.problems import BODY_ERRORS, BUILD_ERRORS, CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.elevation_schemas import (
    ElevationBody,
    ElevationsAsked,
    ElevationsBody,
    InterpolationWord,
    Latitude,
    Longitude,
)
from service.elevations import PointsAsked, choose_axes, find_places, read_values
from service.errors import BuildNeedsKey
from service.etags import answers_304, etag_of
from service.field_types import FiniteFloat
from service.json_bodies import JsonRoute
from service.key_guard import granted_scope
from service.prefer import parse_prefer
from service.pyramid_answers import Answering, find_answering, headers_of, replacing_damaged
from service.value_answers import describe_answering, describe_cell, list_found
from service.value_errors import PlaceUnknown, PointsTooMany, PyramidPending

router = APIRouter(prefix="/terrain", tags=["values"], route_class=JsonRoute)

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

Lon = Annotated[Longitude | None, Query(description="With `lat`: WGS 84 degrees.", examples=[7.5])]
Lat = Annotated[Latitude | None, Query(description="With `lon`: WGS 84 degrees.", examples=[47.5])]
X = Annotated[FiniteFloat | None, Query(description="With `y`: in the terrain's CRS.", examples=[3.5])]
Y = Annotated[FiniteFloat | None, Query(description="With `x`: in the terrain's CRS.", examples=[-1.5])]
Row = Annotated[
    FiniteFloat | None,
    Query(description="With `col`: in cells of level 0; whole numbers are centres.", examples=[1]),
]
Col = Annotated[
    FiniteFloat | None,
    Query(description="With `row`: in cells of level 0; whole numbers are centres.", examples=[1]),
]
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


@router.get(
    "/{terrain}/elevation",
    response_class=Response,
    responses={
        **problem_responses(*VALUE_ERRORS),
        200: {"model": ElevationBody, "description": "The value", "headers": LEVEL},
        304: {"description": "The value is the one the client has", "headers": LEVEL},
    },
)
async def get_elevation(
    request: Request,
    desk: GivenDesk,
    terrain: TerrainKey,
    lon: Lon = None,
    lat: Lat = None,
    x: X = None,
    y: Y = None,
    row: Row = None,
    col: Col = None,
    metric: MetricAsked = None,
    interpolation: InterpolationAsked = "nearest",
    prefer: Prefer = None,
) -> Response:
    """The value at a point, from level 0: a value, nodata, or outside of the terrain.

    The last generation in use answers, also when it is stale; a newer one is then ordered. When there
    is none it is built; if that takes longer than the client waits, the answer is 503, and later asking
    helps.
    """
    asked = choose_axes({"lon": lon, "lat": lat, "x": x, "y": y, "row": row, "col": col})
    answering = await find_for(request, desk, terrain, metric, prefer)
    etag = etag_of(
        answering.generation.id, answering.state, asked.axes, asked.first, asked.second, interpolation
    )
    headers = {"ETag": etag, "Cache-Control": "no-cache", **headers_of(answering)}
    if answers_304(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return await _answer(desk, answering, asked, Interpolation(interpolation), headers, is_list=False)


@router.post(
    "/{terrain}/elevation",
    response_class=Response,
    responses={
        **problem_responses(*VALUE_ERRORS, PointsTooMany, *BODY_ERRORS),
        200: {"model": ElevationsBody, "description": "The values", "headers": ANSWERING},
    },
)
async def post_elevations(
    request: Request, desk: GivenDesk, terrain: TerrainKey, body: ElevationsAsked, prefer: Prefer = None
) -> Response:
    """The values at many points; each chunk of cells is decoded once. Changes nothing."""
    limit = desk.house.settings.max_points
    if len(body.points) > limit:
        raise PointsTooMany(len(body.points), limit)
    answering = await find_for(request, desk, terrain, body.metric, prefer)
    return await _answer(
        desk, answering, body.asked(), Interpolation(body.interpolation), headers_of(answering), is_list=True
    )


async def find_for(
    request: Request, desk: Desk, terrain: str, metric: str | None, prefer: str | None
) -> Answering:
    """The generation that answers a request for values."""
    settings = desk.house.settings
    preference = parse_prefer(prefer, default_s=settings.build_wait_s, longest_s=settings.max_build_wait_s)
    return await find_answering(desk, granted_scope(request.scope), terrain, metric, preference.wait_s)


async def _answer(
    desk: Desk,
    answering: Answering,
    asked: PointsAsked,
    interpolation: Interpolation,
    headers: dict[str, str],
    *,
    is_list: bool,
) -> Response:
    with replacing_damaged(desk, answering.standing):
        content = await desk.run(_encode, desk, answering, asked, interpolation, is_list=is_list)
    return Response(content, media_type="application/json", headers=headers)


def _encode(
    desk: Desk, answering: Answering, asked: PointsAsked, interpolation: Interpolation, *, is_list: bool
) -> bytes:
    generation = answering.generation
    places = find_places(answering.terrain, generation, asked)
    found = read_values(desk.pyramids, generation, places, interpolation)
    body: dict[str, Any] = describe_answering(answering, interpolation)
    if is_list:
        body["points"] = list_found(found)
    else:
        (only,) = list_found(found)
        body |= only | describe_cell(places, found, (generation.height, generation.width))
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
