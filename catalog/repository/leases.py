"""Leases of builds: of all processes on a catalogue one builds a pyramid, others take over what it leaves.

Who holds a lease tells so now and then. One that has lapsed stays its holder's until somebody needs
what it holds, be it the lease, its turn or its place in the store. From then on nothing counts that
the former holder does: each attempt has an owner of its own, and a fence that counts up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, literal, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from catalog.clock import SecondsNow
from catalog.database import WriteSession
from catalog.errors import LeaseLost, TerrainNotFound
from catalog.locks import lock_leases
from catalog.models import BuildLease, Terrain
from catalog.repository.rows import columns_of, count_changed, insert_into

FIRST_PAUSE_S = 5.0
"""After the first failure that may go by; doubled from attempt to attempt."""

LONGEST_PAUSE_S = 600.0

PERMANENT_PAUSE_S = 3600.0
"""After a failure that only a change of the terrain mends, which is another build: once more, in case."""


class LeaseState(StrEnum):
    """What became of the attempt that last had the lease. READY: what it built is in use, and sound."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    RELEASED = "released"


class Beat(Enum):
    """What the holder of a lease is told when it tells that it is there."""

    ALIVE = "alive"
    CANCEL_REQUESTED = "cancel requested"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBuild:
    """What is built once: the fields are those of `models.BuildLease`."""

    terrain_id: int
    metric: str
    revision: int
    recipe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What the attempt that holds a lease proves it with."""

    wanted: WantedBuild
    owner: str
    fence: int
    attempts: int
    generation_id: str


def pause_after(attempts: int, *, is_transient: bool) -> float:
    """Seconds until a build that failed so often may be tried again."""
    if not is_transient:
        return PERMANENT_PAUSE_S
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 30))


def take_lease(
    session: WriteSession,
    wanted: WantedBuild,
    *,
    owner: str,
    host: str,
    generation_id: str,
    ttl_s: float,
    most_live: int | None = None,
    instead_of: str | None = None,
) -> Lease | None:
    """Become the one that builds; None when it is another's turn, which `lease_views.find_lease` explains.

    Parameters
    ----------
    owner : str
        Of this attempt alone.
    generation_id : str
        Where the attempt writes; new for each attempt.
    most_live : int or None
        How many leases may be live in the whole catalogue.
    instead_of : str or None
        A generation to replace although it is in use and sound.

    Raises
    ------
    TerrainNotFound
    """
    room: ColumnElement[bool] = true()
    if most_live is not None:
        end_lapsed(session)
        building = select(func.count()).where(is_building())
        room = building.scalar_subquery() < most_live
    attempt = {"owner": owner, "host": host, "generation_id": generation_id, **_beginning(ttl_s)}
    columns = {**columns_of(wanted), **attempt, "fence": 1, "attempts": 1}
    row = select(*(_as_column(name, value) for name, value in columns.items())).where(room)
    again = {
        **attempt,
        "fence": BuildLease.fence + 1,
        "attempts": BuildLease.attempts + 1,
        "failure": None,
        "retry_at": None,
    }
    taking = (
        insert_into(session, BuildLease)
        .from_select(list(columns), row)
        .on_conflict_do_update(
            index_elements=list(columns_of(wanted)),
            set_=again,
            where=_may_be_taken(instead_of),
        )
        .returning(BuildLease.fence, BuildLease.attempts)
    )
    try:
        with session.begin_nested():
            taken = session.execute(taking).one_or_none()
    except IntegrityError as error:
        raise TerrainNotFound(wanted.terrain_id) from error
    if taken is None:
        return None
    fence, attempts = taken
    return Lease(wanted=wanted, owner=owner, fence=fence, attempts=attempts, generation_id=generation_id)


def beat(session: WriteSession, lease: Lease, *, ttl_s: float, shards_done: int, shards_total: int) -> Beat:
    """Tell that the holder of a lease is there, and how far it is."""
    telling = {
        "lease_until": SecondsNow() + ttl_s,
        "beat_at": SecondsNow(),
        "shards_done": shards_done,
        "shards_total": shards_total,
    }
    beating = update(BuildLease).where(_is_held(lease)).values(telling).returning(BuildLease.cancel_requested)
    told = session.execute(beating, execution_options={"synchronize_session": False}).one_or_none()
    if told is None:
        return Beat.LOST
    return Beat.CANCEL_REQUESTED if told.cancel_requested else Beat.ALIVE


def finish_lease(session: WriteSession, lease: Lease) -> None:
    """Note that what was built is in use, in the session that puts it into use.

    Raises
    ------
    LeaseLost
    """
    if not _end(session, lease, LeaseState.READY, {"attempts": 0, "is_wanted": False}):
        raise LeaseLost(lease.wanted.terrain_id, lease.wanted.metric, lease.wanted.revision)


def release_lease(session: WriteSession, lease: Lease, *, is_wanted: bool = True) -> bool:
    """Leave a build to others; this attempt does not count. False when it was lost before.

    Parameters
    ----------
    is_wanted : bool
        Whether whoever has room shall build it without being asked again.
    """
    leaving = {"lease_until": 0.0, "attempts": BuildLease.attempts - 1, "is_wanted": is_wanted}
    return _end(session, lease, LeaseState.RELEASED, leaving)


def fail_lease(session: WriteSession, lease: Lease, failure: Mapping[str, Any], *, retry_in_s: float) -> bool:
    """Note why a build failed, and keep others from trying it for a while. False when it was lost before."""
    failing = {"failure": dict(failure), "retry_at": SecondsNow() + retry_in_s, "is_wanted": False}
    return _end(session, lease, LeaseState.FAILED, failing)


def request_cancel(session: WriteSession, terrain_id: int, metric: str) -> int:
    """Ask whoever builds a pyramid to stop, which they hear at their next beat; how many were asked."""
    building = and_(BuildLease.terrain_id == terrain_id, BuildLease.metric == metric, is_building())
    return _change(session, building, {"cancel_requested": True})


def end_lapsed(session: WriteSession) -> int:
    """End what nobody told of in time: who comes back to it has lost it. The number of them.

    Their turns, and their places in the store, are free when the session ends.
    """
    lock_leases(session)
    lapsed = and_(is_building(), BuildLease.lease_until <= SecondsNow())
    return _change(session, lapsed, {"state": LeaseState.RELEASED})


def reopen_builds(
    session: WriteSession, terrain_id: int, metric: str, *, but: str | None = None, is_wanted: bool = False
) -> None:
    """Let pyramids be built again whose generations are no longer in use, or damaged, but for one generation.

    Who takes a lease looks at its row alone: of other tables a statement that has waited sees the past.
    """
    over = and_(
        BuildLease.terrain_id == terrain_id,
        BuildLease.metric == metric,
        BuildLease.state == LeaseState.READY,
    )
    if but is not None:
        over = and_(over, BuildLease.generation_id != but)
    _change(session, over, {"state": LeaseState.RELEASED, "is_wanted": is_wanted})


def forget_old_leases(session: WriteSession) -> int:
    """Forget what became of builds of revisions that terrains no longer have; the number of them."""
    newer = select(Terrain.id).where(
        Terrain.id == BuildLease.terrain_id, Terrain.revision > BuildLease.revision
    )
    old = delete(BuildLease).where(~is_building(), newer.exists())
    return count_changed(session.execute(old, execution_options={"synchronize_session": False}))


def is_building() -> ColumnElement[bool]:
    """Whether an attempt has the lease, lapsed or not."""
    return BuildLease.state == LeaseState.BUILDING


def _beginning(ttl_s: float) -> dict[str, Any]:
    return {
        "state": LeaseState.BUILDING,
        "lease_until": SecondsNow() + ttl_s,
        "shards_done": 0,
        "shards_total": 0,
        "started_at": SecondsNow(),
        "beat_at": SecondsNow(),
        "cancel_requested": False,
        "is_wanted": True,
    }


def _as_column(name: str, value: Any) -> ColumnElement[Any]:
    column = BuildLease.__table__.columns[name]
    return value if isinstance(value, ColumnElement) else literal(value, column.type)


def is_free() -> ColumnElement[bool]:
    """Whether nobody has the lease, and nothing keeps others from taking it."""
    lapsed = and_(is_building(), BuildLease.lease_until <= SecondsNow())
    return or_(BuildLease.state == LeaseState.RELEASED, lapsed)


def may_be_tried_again(*, insists: bool) -> ColumnElement[bool]:
    """Whether a build has failed, long enough ago for those who do not insist."""
    has_failed = BuildLease.state == LeaseState.FAILED
    return has_failed if insists else and_(has_failed, BuildLease.retry_at <= SecondsNow())


def _may_be_taken(instead_of: str | None) -> ColumnElement[bool]:
    state = BuildLease.state
    may = or_(is_free(), may_be_tried_again(insists=False))
    if instead_of is None:
        return may
    return or_(may, and_(state == LeaseState.READY, BuildLease.generation_id == instead_of))


def _is_held(lease: Lease) -> ColumnElement[bool]:
    key = (getattr(BuildLease, name) == value for name, value in columns_of(lease.wanted).items())
    return and_(
        *key,
        BuildLease.owner == lease.owner,
        BuildLease.fence == lease.fence,
        is_building(),
    )


def _end(session: WriteSession, lease: Lease, state: LeaseState, columns: Mapping[str, Any]) -> bool:
    """Whether the lease was held until now."""
    return _change(session, _is_held(lease), {**columns, "state": state}) == 1


def _change(session: WriteSession, which: ColumnElement[bool], columns: Mapping[str, Any]) -> int:
    changing = update(BuildLease).where(which).values(columns)
    return count_changed(session.execute(changing, execution_options={"synchronize_session": False}))
