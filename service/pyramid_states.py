"""The use-case behind a pyramid's state: what the catalogue knows joined with the build under way."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Pyramid, Terrain
from catalog.repository import pyramids, terrains
from service.build_desk import BuildDesk, BuildProgress
from service.house import House
from service.levels import State


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidState:
    """A metric's pyramid of a terrain, as it stands."""

    terrain: Terrain
    metric: str
    pyramid: Pyramid | None
    state: State
    progress: BuildProgress | None


def stored_state(terrain: Terrain, pyramid: Pyramid | None) -> State:
    """The state by the catalogue alone."""
    if pyramid is None:
        return State.ABSENT
    if pyramid.generation is None:
        return State.FAILED if pyramid.failure is not None else State.ABSENT
    if pyramid.corrupt:
        return State.CORRUPT
    return State.READY if pyramid.generation.revision == terrain.revision else State.STALE


def get_state(house: House, builds: BuildDesk | None, terrain_key: int | str, metric: str) -> PyramidState:
    """The state of one pyramid.

    Raises
    ------
    TerrainNotFound, MetricNotFound
    """
    house.metrics.get(metric)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        pyramid = pyramids.find_pyramid(session, terrain.id, metric)
    return _state(terrain, metric, pyramid, builds)


def list_states(house: House, builds: BuildDesk | None, terrain_key: int | str) -> list[PyramidState]:
    """The state of every metric's pyramid.

    Raises
    ------
    TerrainNotFound
    """
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        known = {pyramid.metric: pyramid for pyramid in pyramids.list_pyramids(session, terrain.id)}
    return [_state(terrain, metric, known.get(metric), builds) for metric in house.metrics.names]


def _state(terrain: Terrain, metric: str, pyramid: Pyramid | None, builds: BuildDesk | None) -> PyramidState:
    build = None if builds is None else builds.find(terrain.id, metric)
    return PyramidState(
        terrain=terrain,
        metric=metric,
        pyramid=pyramid,
        state=stored_state(terrain, pyramid) if build is None else State.BUILDING,
        progress=None if build is None else build.progress,
    )
