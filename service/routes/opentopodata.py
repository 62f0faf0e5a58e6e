"""Elevations as Open Topo Data gives them: for clients that know no other words."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from catalog.errors import CatalogError
from raster.errors import RasterError
from service.description.headers import ANSWERING, RETRY
from service.description.parameters import TerrainKey
from service.desk import Desk, GivenDesk
from service.elevation_schemas import InterpolationWord, SampleCount
from service.elevations import find_places, read_values
from service.errors import ServiceError
from service.form_bodies import FORM_TYPE, is_form, with_json
from service.json_bodies import JsonRoute
from service.opentopodata import LocationsAsked, list_results
from service.opentopodata_schemas import (
    FORM_CONTENT,
    NODATA_TEXT,
    FailureWords,
    LocationsBody,
    ResultsBody,
    failure_words,
)
from service.problems import answer_error
from service.profiles import LineAsked, read_profile
from service.pyramid_answers import Answering
from service.routes.values import InAddress, answer_values, check_count, find_for, headers_of

TAG = "opentopodata"

KEPT = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
"""Of the statuses below 500; all others are 400 here."""


class WordedRoute(JsonRoute):
    """Tells what is wrong in the words of Open Topo Data."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_worded(request: Request) -> Response:
            try:
                return await handle(await with_json(request) if is_form(request) else request)
            except (RasterError, CatalogError, ServiceError, RequestValidationError, HTTPException) as error:
                return _worded(await answer_error(request, error))

        return handle_worded


def _worded(answer: Response) -> Response:
    problem = json.loads(bytes(answer.body))
    status = answer.status_code
    if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in KEPT:
        status = HTTPStatus.BAD_REQUEST
    told = ("content-type", "content-length")
    headers = {name: value for name, value in answer.headers.items() if name not in told}
    return JSONResponse(failure_words(problem), status_code=status, headers=headers)


router = APIRouter(prefix="/v1", tags=[TAG], route_class=WordedRoute)

LocationsAskedFor = Annotated[
    InAddress,
    Query(
        description="`lat,lon|lat,lon`, or a polyline as Google encodes them.",
        examples=["46.05,9.01|46.05,9.02"],
    ),
]
NodataAsked = Annotated[
    Annotated[str, Field(pattern=NODATA_TEXT)] | None,
    Query(description="The elevation where there is none: `null` or an integer.", examples=["-9999"]),
]
InterpolationAsked = Annotated[
    InterpolationWord, Query(description="Between cells, or the cell itself.", examples=["bilinear"])
]
SamplesAsked = Annotated[
    SampleCount | None,
    Query(description="Answer at so many points along the line through the locations.", examples=[5]),
]
FormatAsked = Annotated[
    Literal["json"], Query(alias="format", description="Of the answer.", examples=["json"])
]
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": ResultsBody, "description": "The elevations", "headers": ANSWERING},
    400: {"model": FailureWords, "description": "What was asked cannot be answered"},
    404: {"model": FailureWords, "description": "There is no such terrain"},
    409: {
        "model": FailureWords,
        "description": "The terrain has no tiles, or its pyramid takes a key to build",
    },
    500: {"model": FailureWords, "description": "The pyramid cannot be built"},
    502: {"model": FailureWords, "description": "A source of the terrain cannot be had"},
    503: {"model": FailureWords, "description": "Not now; the first pyramid is built, say", "headers": RETRY},
    504: {"model": FailureWords, "description": "A source of the terrain is too slow"},
}


@router.get("/{terrain}", response_class=Response, responses=RESPONSES)
async def get_locations(
    request: Request,
    desk: GivenDesk,
    terrain: TerrainKey,
    locations: LocationsAskedFor,
    interpolation: InterpolationAsked = "bilinear",
    nodata_value: NodataAsked = None,
    samples: SamplesAsked = None,
    form: FormatAsked = "json",
) -> Response:
    """Elevations at locations, as Open Topo Data gives them: its parameters, its answers, its errors.

    Not there: `interpolation=cubic`, `format=geojson`, `nodata_value=nan` and several datasets at once.
    """
    body = LocationsBody(
        locations=locations,
        interpolation=interpolation,
        nodata_value=None if nodata_value in {None, "null"} else int(nodata_value or 0),
        samples=samples,
        format=form,
    )
    return await _answer(request, desk, terrain, body.asked(desk.house.settings.max_points))


@router.post(
    "/{terrain}",
    response_class=Response,
    responses=RESPONSES,
    openapi_extra={"requestBody": {"content": {FORM_TYPE: FORM_CONTENT}}},
)
async def post_locations(
    request: Request, desk: GivenDesk, terrain: TerrainKey, body: LocationsBody
) -> Response:
    """The same of locations that are too many for an address, as JSON or as a form. Changes nothing."""
    return await _answer(request, desk, terrain, body.asked(desk.house.settings.max_points))


async def _answer(request: Request, desk: Desk, terrain: str, asked: LocationsAsked) -> Response:
    check_count(desk, asked.sample_count or 0)
    answering = await find_for(request, desk, terrain, None, None)
    return await answer_values(
        desk, answering, lambda: _describe(desk, answering, asked), headers_of(answering)
    )


def _describe(desk: Desk, answering: Answering, asked: LocationsAsked) -> dict[str, Any]:
    terrain, generation = answering.terrain, answering.generation
    points = asked.points
    if asked.sample_count is None:
        places = find_places(terrain, generation, points)
        found = read_values(desk.pyramids, generation, places, asked.interpolation)
    else:
        line = LineAsked(vertices=points, sample_count=asked.sample_count)
        profile = read_profile(desk.pyramids, terrain, generation, line, asked.interpolation)
        points, found = profile.points, profile.found
    return {"results": list_results(points, found, terrain.name, asked.nodata_value), "status": "OK"}
