"""Pyramids: their state, and orders to build or drop them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from catalog.errors import TerrainNotFound
from catalog.repository import pyramids, terrains
from raster.errors import MetricNotFound
from service.bodies import pyramid_body
from service.description.headers import PYRAMID_LATER
from service.description.parameters import MetricName, Prefer, TerrainKey
from service.description.problems import BUILD_ERRORS, CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.links import pyramid_path
from service.on_missing import OnMissing
from service.ordered_builds import Order
from service.prefer import parse_prefer
from service.problems import retry_after
from service.pyramid_schemas import PyramidBody, PyramidList
from service.pyramid_states import get_state, list_states
from service.terrain_grids import get_grid

router = APIRouter(prefix="/terrain", tags=["pyramids"])


@router.get("/{terrain}/pyramid", responses=problem_responses(TerrainNotFound, *CATALOGUE_ERRORS))
async def list_pyramids(desk: GivenDesk, terrain: TerrainKey) -> PyramidList:
    """Every metric and the state of its pyramid."""
    states = await desk.run(list_states, desk.house, desk.builds, terrain)
    return PyramidList(pyramids=[pyramid_body(desk.house, state) for state in states])


@router.get(
    "/{terrain}/pyramid/{metric}",
    responses=problem_responses(TerrainNotFound, MetricNotFound, *CATALOGUE_ERRORS),
)
async def get_pyramid(desk: GivenDesk, terrain: TerrainKey, metric: MetricName) -> PyramidBody:
    """The state of one pyramid: whether it is built, from what, where it lies, what it holds."""
    return pyramid_body(desk.house, await desk.run(get_state, desk.house, desk.builds, terrain, metric))


@router.post(
    "/{terrain}/pyramid/{metric}",
    response_model=PyramidBody,
    responses={
        **problem_responses(TerrainNotFound, MetricNotFound, *BUILD_ERRORS, *CATALOGUE_ERRORS),
        202: {"model": PyramidBody, "description": "The build is under way", "headers": PYRAMID_LATER},
    },
)
async def order_build(
    desk: GivenDesk,
    terrain: TerrainKey,
    metric: MetricName,
    on_missing: Annotated[
        Literal["fail", "mask"],
        Query(description="What is done about tiles that cannot be had.", examples=["fail"]),
    ] = "fail",
    prefer: Prefer = None,
) -> Response:
    """Ask for a build. 200 when the pyramid is up to date, else 202; equal orders are one build.

    A build fails when tiles cannot be had, and tells which. With `on_missing=mask` it goes on
    without those that are not there, or whose servers do not give them: their cells are nodata,
    and the pyramid's state names them. The same order without it builds such a pyramid anew.
    """
    wanted = OnMissing(on_missing)
    found = await desk.run(get_state, desk.house, desk.builds, terrain, metric)
    get_grid(found.terrain)
    preference = parse_prefer(prefer, default_s=0.0, longest_s=desk.house.settings.max_build_wait_s)
    if not found.serves(wanted):
        asked = Order(on_missing=wanted, insists=True)
        build = desk.builds.order(found.terrain.id, metric, found.terrain.revision, asked)
        await build.wait(preference.wait_s)
        found = await desk.run(get_state, desk.house, desk.builds, terrain, metric)
    body = pyramid_body(desk.house, found).model_dump(mode="json")
    if found.serves(wanted):
        return JSONResponse(body)
    headers = {"Location": pyramid_path(found.terrain.name, metric), "Retry-After": retry_after()}
    return JSONResponse(body, status_code=HTTPStatus.ACCEPTED, headers=headers)


@router.delete(
    "/{terrain}/pyramid/{metric}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(TerrainNotFound, MetricNotFound, *CATALOGUE_ERRORS),
)
async def drop_pyramid(desk: GivenDesk, terrain: TerrainKey, metric: MetricName) -> None:
    """Forget a pyramid; the next request for a level builds it anew."""
    await desk.run(_drop, desk, terrain, metric)


def _drop(desk: Desk, terrain_key: str, metric: str) -> None:
    desk.house.metrics.get(metric)
    with desk.house.database.write() as session:
        terrain = terrains.lock_terrain(session, terrain_key)
        pyramids.drop_pyramid(session, terrain.id, metric)
    desk.builds.forget_failure(terrain.id, metric)
