"""The use-case behind a pyramid's state: what the catalogue knows joined with the build under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from catalog.models import MissingTile, Pyramid, Terrain
from catalog.repository import pyramids, terrains
from catalog.repository.lease_views import LeaseView, list_live_leases
from catalog.repository.missing_tiles import list_missing
from raster.errors import MOST_LISTED
from service.failures import Failure, recorded_failure
from service.house import House
from service.on_missing import OnMissing
from service.ordered_builds import Build, BuildProgress

if TYPE_CHECKING:  # whoever only looks at pyramids need not load what builds them
    from service.build_desk import BuildDesk


class State(StrEnum):
    """How a pyramid stands to its terrain."""

    ABSENT = "absent"
    BUILDING = "building"
    READY = "ready"
    STALE = "stale"
    FAILED = "failed"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidState:
    """A metric's pyramid of a terrain, as it stands. `attempt`: who builds it, by the catalogue.

    `missing`: the first of the tiles that it was built without.
    """

    terrain: Terrain
    metric: str
    pyramid: Pyramid | None
    state: State
    progress: BuildProgress | None
    attempt: LeaseView | None
    failure: Failure | None
    missing: Sequence[MissingTile]

    def serves(self, on_missing: OnMissing) -> bool:
        """Whether there is nothing to build for who asks for it so."""
        generation = None if self.pyramid is None else self.pyramid.generation
        is_whole = generation is not None and not generation.missing_tile_count
        return self.state is State.READY and (is_whole or on_missing is OnMissing.MASK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What this process knows of a pyramid beside the catalogue."""

    build: Build | None = None
    failure: Failure | None = None


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
    (state,) = _states(house, builds, terrain_key, [metric])
    return state


def list_states(house: House, builds: BuildDesk | None, terrain_key: int | str) -> list[PyramidState]:
    """The state of every metric's pyramid.

    Raises
    ------
    TerrainNotFound
    """
    return _states(house, builds, terrain_key, house.metrics.names)


def _states(
    house: House, builds: BuildDesk | None, terrain_key: int | str, metrics: Sequence[str]
) -> list[PyramidState]:
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
    # before the catalogue is asked: a build that ends in between has left its mark there
    here = {metric: _look_here(builds, terrain.id, metric) for metric in metrics}
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain.id)
        known = {pyramid.metric: pyramid for pyramid in pyramids.list_pyramids(session, terrain.id)}
        masked = {
            pyramid.generation.id
            for pyramid in known.values()
            if pyramid.generation is not None and pyramid.generation.missing_tile_count
        }
        missing = list_missing(session, masked, MOST_LISTED)
        attempts = {view.wanted.metric: view for view in list_live_leases(session, terrain.id)}
    return [
        _state(
            terrain,
            metric,
            known.get(metric),
            here[metric],
            attempts.get(metric),
            missing,
        )
        for metric in metrics
    ]


def _look_here(builds: BuildDesk | None, terrain_id: int, metric: str) -> Here:
    if builds is None:
        return Here()
    return Here(build=builds.find(terrain_id, metric), failure=builds.find_failure(terrain_id, metric))


def _state(
    terrain: Terrain,
    metric: str,
    pyramid: Pyramid | None,
    here: Here,
    attempt: LeaseView | None,
    missing: Mapping[str, Sequence[MissingTile]],
) -> PyramidState:
    state, failure = stored_state(terrain, pyramid), recorded_failure(pyramid)
    if state is not State.READY and failure is None:
        failure = here.failure
    if here.build is not None or attempt is not None:
        state = State.BUILDING
    elif state is State.ABSENT and failure is not None:
        state = State.FAILED
    return PyramidState(
        terrain=terrain,
        metric=metric,
        pyramid=pyramid,
        state=state,
        progress=_progress(here.build, attempt),
        attempt=attempt,
        failure=failure,
        missing=missing.get(pyramid.generation_id or "", ()) if pyramid is not None else (),
    )


def _progress(build: Build | None, attempt: LeaseView | None) -> BuildProgress | None:
    """What this process knows, which is newer, else what the catalogue was told."""
    if build is not None and (attempt is None or build.progress.shards_total):
        return build.progress
    return None if attempt is None else BuildProgress(attempt.shards_done, attempt.shards_total)
