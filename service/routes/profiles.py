"""Values along lines on a terrain."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from raster.points import Interpolation
from service.description.headers import ANSWERING
from service.description.parameters import Prefer, TerrainKey
from service.description.problems import BODY_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.elevation_schemas import DEFAULT_SAMPLES, AxesWord, ProfileAsked, ProfileBody, SampleCount
from service.elevations import Axes
from service.json_bodies import JsonRoute
from service.profiles import LineAsked, describe_profile, parse_line, read_profile
from service.pyramid_answers import Answering
from service.routes.values import (
    LISTED_POINTS,
    VALUE_ERRORS,
    InAddress,
    InterpolationAsked,
    MetricAsked,
    answer_values,
    check_count,
    find_for,
    headers_of,
)
from service.value_answers import describe_answering
from service.value_errors import LineInvalid, PointsTooMany

router = APIRouter(prefix="/terrain", tags=["values"], route_class=JsonRoute)

Line = Annotated[
    InAddress,
    Query(
        description="Vertices, two numbers each, as `first,second;first,second`.",
        examples=["0,0;4,6"],
    ),
]
AxesAsked = Annotated[
    AxesWord,
    Query(
        description="Of the numbers: `lonlat`, WGS 84 degrees; `xy`, the terrain's CRS; `rowcol`, cells "
        "of level 0, whole numbers their centres.",
        examples=["rowcol"],
    ),
]
SamplesAsked = Annotated[SampleCount, Query(description="Points along the line.", examples=[5])]
ANSWER = {"model": ProfileBody, "description": "The values along the line", "headers": ANSWERING}


@router.get(
    "/{terrain}/profile",
    response_class=Response,
    responses={**problem_responses(*VALUE_ERRORS, LineInvalid, PointsTooMany), 200: ANSWER},
)
async def get_profile(
    request: Request,
    desk: GivenDesk,
    terrain: TerrainKey,
    line: Line,
    axes: AxesAsked = "lonlat",
    samples: SamplesAsked = DEFAULT_SAMPLES,
    metric: MetricAsked = None,
    interpolation: InterpolationAsked = "nearest",
    prefer: Prefer = None,
) -> Response:
    """The values along a line, at points evenly spaced from its first vertex to its last.

    On a terrain of degrees the line runs along geodesics, and distances are metres; on any other it is
    straight on the terrain's map, and distances are in its units.
    """
    check_count(desk, samples)
    asked = LineAsked(vertices=parse_line(line, Axes(axes)), sample_count=samples)
    answering = await find_for(request, desk, terrain, metric, prefer)
    return await _answer(desk, answering, asked, Interpolation(interpolation))


@router.post(
    "/{terrain}/profile",
    response_class=Response,
    dependencies=[LISTED_POINTS],
    responses={**problem_responses(*VALUE_ERRORS, LineInvalid, PointsTooMany, *BODY_ERRORS), 200: ANSWER},
)
async def post_profile(
    request: Request, desk: GivenDesk, terrain: TerrainKey, body: ProfileAsked, prefer: Prefer = None
) -> Response:
    """The same of a line that is too long for an address. Changes nothing."""
    check_count(desk, body.samples)
    answering = await find_for(request, desk, terrain, body.metric, prefer)
    return await _answer(desk, answering, body.asked(), Interpolation(body.interpolation))


async def _answer(
    desk: Desk, answering: Answering, asked: LineAsked, interpolation: Interpolation
) -> Response:
    def describe() -> dict[str, Any]:
        profile = read_profile(desk.pyramids, answering.terrain, answering.generation, asked, interpolation)
        return describe_answering(answering, interpolation) | describe_profile(profile)

    return await answer_values(desk, answering, describe, headers_of(answering))
