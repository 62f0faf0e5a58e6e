"""Which builds are under way, by whom, and what became of the last ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from catalog.clock import SecondsNow
from catalog.database import ReadSession
from catalog.models import BuildLease
from catalog.repository.leases import LeaseState, WantedBuild, is_building
from catalog.repository.rows import columns_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """How a lease stands at one moment of the database's clock.

    `age_s`: since the attempt began. `silent_s`: since its holder told of itself. `retry_in_s`: 0 when
    a build that failed may be tried again, None when it did not fail.
    """

    wanted: WantedBuild
    state: LeaseState
    is_live: bool
    owner: str
    host: str
    fence: int
    attempts: int
    generation_id: str
    shards_done: int
    shards_total: int
    age_s: float
    silent_s: float
    is_cancel_requested: bool
    is_wanted: bool
    failure: dict[str, Any] | None
    retry_in_s: float | None


def find_lease(session: ReadSession, wanted: WantedBuild) -> LeaseView | None:
    """How the lease of a build stands; None when nobody ever had it, or it is forgotten."""
    found = _views().filter_by(**columns_of(wanted))
    views = _read(session, found)
    return views[0] if views else None


def list_live_leases(session: ReadSession, terrain_id: int | None = None) -> list[LeaseView]:
    """Builds under way, of one terrain or all of them, those that began first before others."""
    live = _views().where(is_building(), BuildLease.lease_until > SecondsNow())
    if terrain_id is not None:
        live = live.where(BuildLease.terrain_id == terrain_id)
    return _read(session, live.order_by(BuildLease.started_at, BuildLease.owner))


def _views() -> Select[BuildLease, float]:
    return select(BuildLease, SecondsNow()).execution_options(populate_existing=True)


def _read(session: ReadSession, query: Select[BuildLease, float]) -> list[LeaseView]:
    return [_view(row, now) for row, now in session.execute(query)]


def _view(row: BuildLease, now: float) -> LeaseView:
    return LeaseView(
        wanted=WantedBuild(
            terrain_id=row.terrain_id, metric=row.metric, revision=row.revision, recipe=row.recipe
        ),
        state=LeaseState(row.state),
        is_live=row.state == LeaseState.BUILDING and row.lease_until > now,
        owner=row.owner,
        host=row.host,
        fence=row.fence,
        attempts=row.attempts,
        generation_id=row.generation_id,
        shards_done=row.shards_done,
        shards_total=row.shards_total,
        age_s=now - row.started_at,
        silent_s=now - row.beat_at,
        is_cancel_requested=row.cancel_requested,
        is_wanted=row.is_wanted,
        failure=row.failure,
        retry_in_s=None if row.retry_at is None else max(0.0, row.retry_at - now),
    )
