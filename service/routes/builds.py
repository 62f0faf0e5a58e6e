"""Builds under way: watched, and called off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from catalog.errors import TerrainNotFound
from catalog.repository import terrains
from catalog.repository.leases import request_cancel
from raster.errors import MetricNotFound
from service.bodies import pyramid_body
from service.description.parameters import MetricName, TerrainKey
from service.description.problems import CATALOGUE_ERRORS, problem_responses
from service.desk import Desk, GivenDesk
from service.pyramid_states import PyramidState, State, get_state

router = APIRouter(prefix="/terrain", tags=["pyramids"])

EVENT_EVERY_S = 0.5
"""Between two looks at a build; an event is sent when something has changed."""


async def _found_state(desk: GivenDesk, terrain: TerrainKey, metric: MetricName) -> PyramidState:
    """Before the answer begins: what is not there is a problem, and no event."""
    return await desk.run(get_state, desk.house, desk.builds, terrain, metric)


@router.get(
    "/{terrain}/pyramid/{metric}/events",
    response_class=EventSourceResponse,
    responses=problem_responses(TerrainNotFound, MetricNotFound, *CATALOGUE_ERRORS),
)
async def watch_pyramid(
    desk: GivenDesk, state: Annotated[PyramidState, Depends(_found_state)]
) -> AsyncIterator[ServerSentEvent]:
    """The state of a pyramid as server-sent events, one for each change, until no build is under way.

    Each has the pyramid's state as data, and is named after it; the last one has another name than
    `building`.
    """
    told = None
    while True:
        body = pyramid_body(desk.house, state)
        seen = (state.state, state.progress, state.attempt and state.attempt.owner)
        if seen != told:
            told = seen
            yield ServerSentEvent(data=body.model_dump(mode="json"), event=state.state.value)
        if state.state is not State.BUILDING or desk.is_leaving():
            return
        await asyncio.sleep(EVENT_EVERY_S)
        state = await _found_state(desk, str(state.terrain.id), state.metric)


@router.delete(
    "/{terrain}/pyramid/{metric}/build",
    status_code=HTTPStatus.NO_CONTENT,
    responses=problem_responses(TerrainNotFound, MetricNotFound, *CATALOGUE_ERRORS),
)
async def call_off_build(desk: GivenDesk, terrain: TerrainKey, metric: MetricName) -> None:
    """Call off the build that is under way, whichever process is at it; it hears of it within seconds.

    What it has finished is kept for the next one. When none is under way nothing happens.
    """
    await desk.run(_call_off, desk, terrain, metric)


def _call_off(desk: Desk, terrain_key: str, metric: str) -> None:
    desk.house.metrics.get(metric)
    with desk.house.database.write() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        request_cancel(session, terrain.id, metric)
