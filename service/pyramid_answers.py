"""The cold rule for answers that wait little or not at all: values at points, map tiles.

They are never a promise (202): the generation in use answers, stale as it may be, and what is newer is
ordered meanwhile. Without one they wait for the build as long as the client does, who else is told to
come again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.models import Generation, Terrain
from catalog.repository.keys import Scope
from raster.errors import PyramidCorrupt, RasterError
from service.build_permits import may_build, refusal_of
from service.cold_rule import Standing, find_standing
from service.desk import Desk
from service.errors import BuildCancelled, PyramidLost, ResourcesExhausted, ServiceError
from service.failures import failure_of, is_lasting
from service.pyramid_states import State
from service.terrain_grids import get_grid
from service.value_errors import PyramidPending


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The generation that answers a request."""

    terrain: Terrain
    generation: Generation
    state: State
    standing: Standing


async def find_answering(
    desk: Desk, granted: Scope | None, terrain_key: int | str, metric: str | None, wait_s: float
) -> Answering:
    """The generation that answers, up to date or not; what is newer is ordered if that is permitted.

    Parameters
    ----------
    granted : Scope, optional
        What the request may do.
    metric : str, optional
        None: `mean` if it was ever built, else `max`.
    wait_s : float
        How long to wait for the build, in seconds, when there is nothing to answer with.

    Raises
    ------
    TerrainNotFound, MetricNotFound, TerrainEmpty
    PyramidPending
        The build goes on.
    BuildNeedsKey
        There is nothing, and the request may not have it built.
    PyramidLost
    Whatever the build raised.
    """
    standing = await _look(desk, terrain_key, metric)
    get_grid(standing.terrain)  # a terrain without tiles has nothing to answer
    if standing.generation is None:
        standing = await _built(desk, granted, standing, wait_s)
    else:
        order_newer(desk, granted, standing)
    if standing.generation is None:
        raise PyramidPending(standing.terrain.name, standing.metric)
    return Answering(
        terrain=standing.terrain,
        generation=standing.generation,
        state=State.READY if standing.is_fresh else State.STALE,
        standing=standing,
    )


def headers_of(answering: Answering) -> dict[str, str]:
    """What every answer from a generation says of it."""
    return {
        "Ziggurat-State": answering.state.value,
        "Ziggurat-Generation": answering.generation.id,
        "Ziggurat-Missing-Tiles": str(answering.generation.missing_tile_count),
    }


def order_newer(desk: Desk, granted: Scope | None, standing: Standing) -> None:
    """Have what is not up to date built, if the request may."""
    if not standing.is_fresh and may_build(desk, granted, standing):
        order_build(desk, standing)


def order_build(desk: Desk, standing: Standing) -> None:
    """Have a pyramid built that is wanted, but not waited for."""
    terrain = standing.terrain
    with suppress(BuildCancelled, ResourcesExhausted):
        desk.builds.order(terrain.id, standing.metric, terrain.revision, standing.order)


@contextmanager
def replacing_damaged(desk: Desk, standing: Standing) -> Iterator[None]:
    """Have a pyramid built anew that is found damaged within; the catalogue knows it by then."""
    try:
        yield
    except PyramidCorrupt:
        order_build(desk, standing)
        raise


async def _look(desk: Desk, terrain_key: int | str, metric: str | None) -> Standing:
    return await desk.share((terrain_key, metric), find_standing, desk.house, terrain_key, metric)


async def _built(desk: Desk, granted: Scope | None, standing: Standing, wait_s: float) -> Standing:
    """Look at a pyramid again when it is built; as it was when that takes longer."""
    deadline = time.monotonic() + wait_s
    while standing.generation is None:
        if not may_build(desk, granted, standing):
            raise await refusal_of(desk, standing)
        terrain, failure = standing.terrain, None
        try:
            build = desk.builds.order(terrain.id, standing.metric, terrain.revision, standing.order)
            if not await build.wait(max(0.0, deadline - time.monotonic())):
                return standing
        except (RasterError, CatalogError, ServiceError) as error:
            failure = error
        standing = await _look(desk, terrain.id, standing.metric)
        if (
            failure is not None
            and standing.generation is None
            and standing.terrain.revision == terrain.revision
        ):
            if standing.is_corrupt and is_lasting(failure):
                raise PyramidLost(standing.metric, failure_of(failure).detail) from failure
            raise failure
    return standing
