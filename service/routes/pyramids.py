"""Pyramids: their state, and orders to build or drop them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse

from catalog.models import Pyramid
from catalog.repository import pyramids, terrains
from service.build_desk import BuildKey
from service.desk import Desk, GivenDesk
from service.encoding import json_nodata
from service.house import House
from service.levels import State
from service.links import pyramid_path
from service.prefer import parse_prefer
from service.problems import retry_after
from service.pyramid_states import PyramidState, get_state, list_states
from service.schemas import FailureBody, LevelBody, ProgressBody, PyramidBody, PyramidList
from service.terrain_grids import get_grid, grid_of

router = APIRouter(prefix="/terrain", tags=["pyramids"])


@router.get("/{terrain}/pyramid")
async def list_pyramids(desk: GivenDesk, terrain: str) -> PyramidList:
    """Every metric and the state of its pyramid."""
    states = await desk.run(list_states, desk.house, desk.builds, terrain)
    return PyramidList(pyramids=[describe(desk.house, state) for state in states])


@router.get("/{terrain}/pyramid/{metric}")
async def get_pyramid(desk: GivenDesk, terrain: str, metric: str) -> PyramidBody:
    """The state of one pyramid: whether it is built, from what, where it lies, what it holds."""
    return describe(desk.house, await desk.run(get_state, desk.house, desk.builds, terrain, metric))


@router.post(
    "/{terrain}/pyramid/{metric}",
    response_model=PyramidBody,
    responses={202: {"model": PyramidBody, "description": "The build is under way"}},
)
async def order_build(
    desk: GivenDesk,
    terrain: str,
    metric: str,
    prefer: Annotated[str | None, Header(description="wait=seconds; default: not at all.")] = None,
) -> Response:
    """Ask for a build. 200 when the pyramid is up to date, else 202; equal orders are one build."""
    found = await desk.run(get_state, desk.house, desk.builds, terrain, metric)
    get_grid(found.terrain)
    preference = parse_prefer(prefer, default_s=0.0, longest_s=desk.house.settings.max_build_wait_s)
    if found.state is not State.READY:
        key = BuildKey(found.terrain.id, metric, found.terrain.revision)
        await desk.builds.order(key).wait(preference.wait_s)
        found = await desk.run(get_state, desk.house, desk.builds, terrain, metric)
    body = describe(desk.house, found).model_dump(mode="json")
    if found.state is State.READY:
        return JSONResponse(body)
    headers = {"Location": pyramid_path(found.terrain.name, metric), "Retry-After": retry_after()}
    return JSONResponse(body, status_code=HTTPStatus.ACCEPTED, headers=headers)


@router.delete("/{terrain}/pyramid/{metric}", status_code=HTTPStatus.NO_CONTENT)
async def drop_pyramid(desk: GivenDesk, terrain: str, metric: str) -> None:
    """Forget a pyramid; the next request for a level builds it anew."""
    await desk.run(_drop, desk, terrain, metric)


def _drop(desk: Desk, terrain_key: str, metric: str) -> None:
    desk.house.metrics.get(metric)
    with desk.house.database.write() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        pyramids.drop_pyramid(session, terrain.id, metric)


def describe(house: House, state: PyramidState) -> PyramidBody:
    """A pyramid's state as an answer."""
    pyramid = state.pyramid
    generation = None if pyramid is None else pyramid.generation
    return PyramidBody(
        terrain_id=state.terrain.id,
        metric=state.metric,
        state=state.state.value,
        generation=generation.id if generation else None,
        built_at=generation.built_at if generation else None,
        revision=generation.revision if generation else None,
        level_count=generation.level_count if generation else None,
        dtype=generation.dtype if generation else None,
        nodata=json_nodata(generation.nodata) if generation else None,
        levels=_levels(pyramid),
        store_url=str(house.pyramid_root(generation.href)) if generation else None,
        byte_count=generation.byte_count if generation else None,
        progress=None
        if state.progress is None
        else ProgressBody(shards_done=state.progress.shards_done, shards_total=state.progress.shards_total),
        failure=_failure(pyramid),
    )


def _levels(pyramid: Pyramid | None) -> list[LevelBody]:
    if pyramid is None or pyramid.generation is None:
        return []
    grid = grid_of(pyramid.generation)
    levels = [grid.level(level) for level in range(grid.level_count)]
    return [
        LevelBody(level=level, height=each.height, width=each.width, transform=list(each.transform[:6]))
        for level, each in enumerate(levels)
    ]


def _failure(pyramid: Pyramid | None) -> FailureBody | None:
    if pyramid is None or pyramid.failure is None:
        return None
    return FailureBody(
        error=pyramid.failure["error"], detail=pyramid.failure["detail"], failed_at=pyramid.failed_at
    )
