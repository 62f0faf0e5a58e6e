"""The cold rule for answers that wait little or not at all: values at points, map tiles.

They are never a promise (202): the generation in use answers, stale as it may be, and what is newer is
ordered meanwhile. Without one they wait for the build as long as the client does, who else is told to
come again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

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

S = TypeVar("S", bound=Standing)


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

    async def look(key: int | str, name: str | None) -> Standing:
        return await desk.share((key, name), find_standing, desk.house, key, name)

    standing = await look(terrain_key, metric)
    get_grid(standing.terrain)  # a terrain without tiles has nothing to answer
    if standing.generation is None:
        standing = await wait_for_build(
            desk,
            granted,
            standing,
            wait_s,
            look=lambda before: look(before.terrain.id, before.metric),
            is_enough=lambda found: found.generation is not None,
            may_keep=lambda found: False,
        )
    else:
        order_newer(desk, granted, standing)
    if standing.generation is None and not may_build(desk, granted, standing):
        raise await refusal_of(desk, standing)
    if standing.generation is None:
        raise PyramidPending(standing.terrain.name, standing.metric)
    return Answering(
        terrain=standing.terrain,
        generation=standing.generation,
        state=State.READY if standing.is_fresh else State.STALE,
        standing=standing,
    )


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


async def wait_for_build(
    desk: Desk,
    granted: Scope | None,
    standing: S,
    wait_s: float,
    *,
    look: Callable[[S], Awaitable[S]],
    is_enough: Callable[[S], bool],
    may_keep: Callable[[S], bool],
) -> S:
    """Look at a pyramid again when it is built; as it was when the build goes on or is not permitted.

    An update is never an outage: when it fails, what may be kept is.

    Parameters
    ----------
    look : how the same pyramid stands now
    is_enough : whether there is nothing to wait for
    may_keep : whether it will do as it stands when the build has failed

    Raises
    ------
    PyramidLost
    Whatever the build raised, and `look`.
    """
    deadline = time.monotonic() + wait_s
    while not is_enough(standing) and may_build(desk, granted, standing):
        terrain, failure = standing.terrain, None
        try:
            build = desk.builds.order(terrain.id, standing.metric, terrain.revision, standing.order)
            if not await build.wait(max(0.0, deadline - time.monotonic())):
                return standing
        except (RasterError, CatalogError, ServiceError) as error:
            failure = error
        # the terrain may have changed meanwhile, or be gone
        standing = await look(standing)
        if failure is not None and not is_enough(standing) and standing.terrain.revision == terrain.revision:
            if may_keep(standing):
                return standing
            if standing.is_corrupt and is_lasting(failure):
                raise PyramidLost(standing.metric, failure_of(failure).detail) from failure
            raise failure
    return standing
