"""Which generations may be taken out of the store, and when.

Those that the catalogue knows, once no pyramid has pointed at them for some time. Those that it does
not know, orphans, once they were seen for some time: attempts that were killed, pyramids of terrains
that were deleted. What somebody builds is neither. All times are the database's.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select

from catalog.clock import read_clock
from catalog.database import ReadSession, WriteSession
from catalog.errors import GenerationNotFound
from catalog.models import BuildLease, Generation, Orphan, Pyramid
from catalog.repository import terrains
from catalog.repository.leases import is_building
from catalog.repository.rows import insert_into


def get_generation(
    session: ReadSession, terrain_key: int | str, metric: str, generation_id: str
) -> Generation:
    """A generation of a terrain, in use or retired.

    Raises
    ------
    TerrainNotFound
    GenerationNotFound
        Never built, of another terrain or metric, or collected.
    """
    terrain = terrains.get_terrain(session, terrain_key)
    generation = session.get(Generation, generation_id)
    if generation is None or (generation.terrain_id, generation.metric) != (terrain.id, metric):
        raise GenerationNotFound(terrain_key, metric, generation_id)
    return generation


def list_retired(session: ReadSession, grace: timedelta) -> list[Generation]:
    """Generations that no pyramid has pointed at for as long as the grace, the longest retired first."""
    long_ago = read_clock(session) - grace
    query = select(Generation).where(_is_out_of_use(), Generation.retired_at <= long_ago)
    return list(session.scalars(query.order_by(Generation.retired_at, Generation.id)))


def forget_generation(session: WriteSession, generation_id: str) -> bool:
    """Forget a generation, before it is taken out of the store: nobody is sent there any more.

    It is an orphan since it was retired, so that a removal that stops halfway is carried on.

    Returns
    -------
    False, and nothing is changed, when it is in use or not known.
    """
    retired = delete(Generation).where(Generation.id == generation_id, _is_out_of_use())
    gone = session.execute(retired.returning(Generation.retired_at)).one_or_none()
    if gone is None:
        return False
    session.merge(Orphan(generation_id=generation_id, seen_at=gone.retired_at))
    session.flush()
    return True


def note_orphans(session: WriteSession, stored: Collection[str]) -> None:
    """Note since when generations lie in the store that are neither known nor being built.

    Lapsed leases protect what they hold, too, until `leases.end_lapsed` has ended them.

    Parameters
    ----------
    stored : collection of str
        Some ids of generations that are in the store, up to some hundreds.
    """
    known = select(Generation.id).where(Generation.id.in_(stored))
    building = select(BuildLease.generation_id).where(is_building(), BuildLease.generation_id.in_(stored))
    owned = {*session.scalars(known), *session.scalars(building)}
    session.execute(delete(Orphan).where(Orphan.generation_id.in_(owned)))
    if strange := set(stored) - owned:
        seen_at = read_clock(session)
        rows = [{"generation_id": each, "seen_at": seen_at} for each in sorted(strange)]
        session.execute(insert_into(session, Orphan).on_conflict_do_nothing(), rows)


def list_orphans(session: ReadSession, grace: timedelta) -> list[str]:
    """Ids of orphans that were seen as long ago as the grace, and still are neither known nor being built."""
    long_ago = read_clock(session) - grace
    query = select(Orphan.generation_id).where(Orphan.seen_at <= long_ago, ~_is_owned())
    return list(session.scalars(query.order_by(Orphan.generation_id)))


def forget_orphan(session: WriteSession, generation_id: str) -> None:
    """Forget an orphan that is no longer in the store."""
    session.execute(delete(Orphan).where(Orphan.generation_id == generation_id))


def _is_out_of_use() -> ColumnElement[bool]:
    pointing = select(Pyramid.terrain_id).where(Pyramid.generation_id == Generation.id)
    return and_(Generation.retired_at.is_not(None), ~pointing.exists())


def _is_owned() -> ColumnElement[bool]:
    """Whether what is noted as an orphan is known, or being built, after all."""
    known = select(Generation.id).where(Generation.id == Orphan.generation_id)
    building = select(BuildLease.owner).where(is_building(), BuildLease.generation_id == Orphan.generation_id)
    return or_(known.exists(), building.exists())
