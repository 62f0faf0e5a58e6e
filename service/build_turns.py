"""Whose turn it is to build: of all processes on a catalogue the one that holds the lease of a build."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import getpid
from uuid import uuid4

from catalog.database import ReadSession
from catalog.errors import CatalogUnavailable
from catalog.models import Pyramid, Terrain
from catalog.repository import pyramids, terrains
from catalog.repository.lease_views import LeaseView, find_lease, list_live_leases
from catalog.repository.leases import (
    Lease,
    LeaseState,
    WantedBuild,
    fail_lease,
    pause_after,
    release_lease,
    take_lease,
)
from catalog.repository.wanted_builds import want_build, withdraw_wish
from service.errors import BuildAbandoned, BuildCalledOff, BuildFailedBefore
from service.failures import Failure
from service.generations import new_generation_id
from service.house import House
from service.on_missing import OnMissing

RECIPE = "zarr3-1"
"""How a pyramid is laid out, and by which code: counts up when the same cells would be stored otherwise."""

RECIPES = {OnMissing.FAIL: RECIPE, OnMissing.MASK: f"{RECIPE}-mask"}
"""A build that may go without tiles is another one than a build that may not."""

MOST_ATTEMPTS = 5
"""A build that ends its process so many times is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A terrain as it is to be built, and the leases this process holds: by metric."""

    terrain: Terrain
    leases: dict[str, Lease]
    on_missing: OnMissing


def wanted_build(terrain: Terrain, metric: str, on_missing: OnMissing = OnMissing.FAIL) -> WantedBuild:
    """What is built once for a terrain as it is now."""
    return WantedBuild(
        terrain_id=terrain.id, metric=metric, revision=terrain.revision, recipe=RECIPES[on_missing]
    )


def on_missing_of(wanted: WantedBuild) -> OnMissing:
    """What a build of this version does about tiles that cannot be had."""
    return next(each for each, recipe in RECIPES.items() if recipe == wanted.recipe)


def find_live(session: ReadSession, terrain: Terrain, metric: str) -> WantedBuild | None:
    """A build of the terrain as it is now that some process is at, whatever it does about missing tiles."""
    wanted = {wanted_build(terrain, metric, on_missing) for on_missing in OnMissing}
    live = (view.wanted for view in list_live_leases(session, terrain.id))
    return next((each for each in live if each in wanted), None)


def take_turn(
    house: House,
    terrain_key: int | str,
    metrics: Sequence[str],
    on_missing: OnMissing,
    *,
    again: bool,
    insists: bool,
) -> Turn:
    """Take the leases of what nobody else builds.

    Parameters
    ----------
    again : bool
        Whether to build also what is up to date.
    insists : bool
        Whether to try again what has failed a short time ago.

    Raises
    ------
    TerrainNotFound
    BuildFailedBefore
        All of them failed a short time ago.
    """
    with house.database.write() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        if insists:
            for metric in metrics:
                want_build(session, wanted_build(terrain, metric, on_missing), insists=True)
        known = {each.metric: each for each in pyramids.list_pyramids(session, terrain.id)}
        taken = {
            metric: take_lease(
                session,
                wanted_build(terrain, metric, on_missing),
                owner=uuid4().hex,
                host=f"{socket.gethostname()}, process {getpid()}",
                generation_id=new_generation_id(),
                ttl_s=house.settings.lease_s,
                most_live=house.settings.max_builds,
                instead_of=_in_use(known.get(metric)) if again else None,
            )
            for metric in metrics
        }
    leases = {metric: lease for metric, lease in taken.items() if lease is not None}
    if not leases:
        for metric in metrics:
            look(house, wanted_build(terrain, metric, on_missing))
    return Turn(terrain=terrain, leases=leases, on_missing=on_missing)


def _in_use(pyramid: Pyramid | None) -> str | None:
    return None if pyramid is None else pyramid.generation_id


def check_attempts(turn: Turn) -> None:
    """Check that this is not the build that ends whoever is at it.

    Raises
    ------
    BuildAbandoned
    """
    for metric, lease in turn.leases.items():
        if lease.attempts > MOST_ATTEMPTS:
            raise BuildAbandoned(metric, lease.attempts - 1)


def leave_turn(house: House, turn: Turn, *, is_wanted: bool) -> None:
    """Let others build; whatever is published or lost meanwhile stays as it is."""
    with suppress(CatalogUnavailable), house.database.write() as session:  # else it lapses
        for lease in turn.leases.values():
            release_lease(session, lease, is_wanted=is_wanted)


def fail_turn(house: House, turn: Turn, failure: Failure) -> None:
    """Let everybody know why a build failed, and nobody try it again too soon."""
    with suppress(CatalogUnavailable), house.database.write() as session:
        for metric, lease in turn.leases.items():
            pause_s = pause_after(lease.attempts, is_transient=failure.may_pass)
            if fail_lease(session, lease, failure.as_record(), retry_in_s=pause_s):
                pyramids.record_failure(
                    session, turn.terrain.id, metric, turn.terrain.revision, failure.as_record()
                )


def want(house: House, wanted: WantedBuild, *, insists: bool = False) -> None:
    """Ask for a build, of whoever has room for it."""
    with house.database.write() as session:
        want_build(session, wanted, insists=insists)


def withdraw(house: House, wanted: WantedBuild) -> None:
    """Have nobody begin what somebody asked for: there is nothing to build."""
    with house.database.write() as session:
        withdraw_wish(session, wanted)


def look(house: House, wanted: WantedBuild) -> LeaseView | None:
    """How a build stands that it is not this process's turn to make.

    Returns
    -------
    None when it is nobody's turn, so that this process may try once more

    Raises
    ------
    BuildFailedBefore
        It failed a short time ago.
    BuildCalledOff
    """
    with house.database.read() as session:
        view = find_lease(session, wanted)
    if view is None:
        return None
    if view.state is LeaseState.RELEASED:
        if view.is_cancel_requested and not view.is_wanted:
            raise BuildCalledOff(wanted.metric)
        return None
    if view.state is LeaseState.FAILED:
        if view.failure is None or not view.retry_in_s:
            return None
        failure = view.failure
        raise BuildFailedBefore(failure["error"], failure["detail"], failure.get("data", {}), view.retry_in_s)
    return view if view.is_live or view.state is LeaseState.READY else None
