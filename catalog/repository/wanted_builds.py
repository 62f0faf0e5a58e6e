"""Builds that somebody asked for: the leases are the queue, and whoever has room takes the next one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import and_, or_, select, update

from catalog.clock import SecondsNow
from catalog.database import ReadSession, WriteSession
from catalog.models import BuildLease, Terrain
from catalog.repository.leases import LeaseState, WantedBuild, is_free, may_be_tried_again
from catalog.repository.rows import columns_of, insert_into


def want_build(session: WriteSession, wanted: WantedBuild, *, insists: bool = False) -> None:
    """Ask for a build; one that is under way, done, or has failed a short time ago is left as it is.

    Parameters
    ----------
    insists : bool
        Whether to ask again for what has failed before its time.

    Raises
    ------
    IntegrityError
        The terrain does not exist.
    """
    nobody = {"owner": "", "host": "", "fence": 0, "attempts": 0, "generation_id": "", "lease_until": 0.0}
    asked = {"state": LeaseState.RELEASED, "is_wanted": True, "started_at": SecondsNow()}
    asking = (
        insert_into(session, BuildLease)
        .values(**columns_of(wanted), **nobody, **asked, beat_at=SecondsNow())
        .on_conflict_do_update(
            index_elements=list(columns_of(wanted)),
            set_=asked,
            where=or_(
                and_(BuildLease.state == LeaseState.RELEASED, ~BuildLease.is_wanted),
                may_be_tried_again(insists=insists),
            ),
        )
    )
    session.execute(asking)


def withdraw_wish(session: WriteSession, wanted: WantedBuild) -> None:
    """Let nobody begin a build because it was asked for; one that somebody is at goes on."""
    key = (getattr(BuildLease, name) == value for name, value in columns_of(wanted).items())
    withdrawing = update(BuildLease).where(*key, BuildLease.is_wanted, is_free()).values(is_wanted=False)
    session.execute(withdrawing, execution_options={"synchronize_session": False})


def list_wanted(
    session: ReadSession, recipes: Collection[str], metrics: Collection[str], limit: int
) -> Sequence[WantedBuild]:
    """Builds of terrains as they are now that are wanted and that nobody is at, the longest wanted first.

    Those of other recipes and metrics are left to processes of another version, or with other plug-ins.
    """
    query = (
        select(BuildLease.terrain_id, BuildLease.metric, BuildLease.revision, BuildLease.recipe)
        .join(Terrain, and_(Terrain.id == BuildLease.terrain_id, Terrain.revision == BuildLease.revision))
        .where(
            BuildLease.is_wanted,
            BuildLease.recipe.in_(recipes),
            BuildLease.metric.in_(metrics),
            is_free(),
        )
        .order_by(BuildLease.started_at)
        .limit(limit)
    )
    return [WantedBuild(**row) for row in session.execute(query).mappings()]
