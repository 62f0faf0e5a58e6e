"""Values at points of a terrain."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from raster.points import Interpolation
from service.description.headers import ANSWERING, LEVEL
from service.description.parameters import Prefer, TerrainKey
from service.description.problems import BODY_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.elevation_schemas import (
    ElevationBody,
    ElevationsAsked,
    ElevationsBody,
    Latitude,
    Longitude,
)
from service.elevations import PointsAsked, choose_axes, find_places, read_values
from service.etags import answers_304, etag_of
from service.field_types import FiniteFloat
from service.generation_headers import generation_headers
from service.json_bodies import JsonRoute
from service.pyramid_answers import Answering
from service.routes.values import (
    LISTED_POINTS,
    VALUE_ERRORS,
    InterpolationAsked,
    MetricAsked,
    answer_values,
    find_for,
    headers_of,
)
from service.value_answers import describe_answering, describe_cell, list_found
from service.value_errors import PointsTooMany

router = APIRouter(prefix="/terrain", tags=["values"], route_class=JsonRoute)

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
    headers = {"ETag": etag, **headers_of(answering)}
    if answers_304(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return await _answer(desk, answering, asked, Interpolation(interpolation), headers, is_list=False)


@router.post(
    "/{terrain}/elevation",
    response_class=Response,
    dependencies=[LISTED_POINTS],
    responses={
        **problem_responses(*VALUE_ERRORS, PointsTooMany, *BODY_ERRORS),
        200: {"model": ElevationsBody, "description": "The values", "headers": ANSWERING},
    },
)
async def post_elevations(
    request: Request, desk: GivenDesk, terrain: TerrainKey, body: ElevationsAsked, prefer: Prefer = None
) -> Response:
    """The values at many points; each chunk of cells is decoded once. Changes nothing."""
    answering = await find_for(request, desk, terrain, body.metric, prefer)
    headers = generation_headers(answering.generation, answering.state)
    interpolation = Interpolation(body.interpolation)
    return await _answer(desk, answering, body.asked(), interpolation, headers, is_list=True)


async def _answer(
    desk: Desk,
    answering: Answering,
    asked: PointsAsked,
    interpolation: Interpolation,
    headers: dict[str, str],
    *,
    is_list: bool,
) -> Response:
    def describe() -> dict[str, Any]:
        generation = answering.generation
        places = find_places(answering.terrain, generation, asked)
        found = read_values(desk.pyramids, generation, places, interpolation)
        body = describe_answering(answering, interpolation)
        if is_list:
            return body | {"points": list_found(found)}
        (only,) = list_found(found)
        return body | only | describe_cell(places, found, (generation.height, generation.width))

    return await answer_values(desk, answering, describe, headers)
