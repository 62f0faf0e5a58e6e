"""Pyramids: which generation is in use, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, insert, or_, select, update
from sqlalchemy.orm import joinedload

from catalog.clock import read_clock
from catalog.column_types import utc_now
from catalog.database import ReadSession, WriteSession
from catalog.errors import TerrainNotFound
from catalog.models import Generation, Pyramid
from catalog.repository.leases import Lease, finish_lease, release_lease, reopen_builds
from catalog.repository.missing_tiles import NewMissingTile, note_missing
from catalog.repository.rows import columns_of, count_changed
from catalog.repository.terrains import lock_terrain


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGeneration:
    """A generation to publish; the fields are those of `models.Generation`."""

    id: str
    terrain_id: int
    metric: str
    revision: int
    href: str
    level_count: int
    height: int
    width: int
    dtype: str
    nodata: int | float | None
    transform: list[float]
    crs: str | None
    unit: str | None
    shard_count: int
    byte_count: int
    manifest_sha256: str
    tile_count: int | None = None
    missing_tile_count: int = 0


def find_pyramid(session: ReadSession, terrain_id: int, metric: str) -> Pyramid | None:
    """A terrain's pyramid under a metric, with its generation; None when none was ever built or failed."""
    return session.scalars(_pyramids(terrain_id).where(Pyramid.metric == metric)).one_or_none()


def list_pyramids(session: ReadSession, terrain_id: int) -> list[Pyramid]:
    """A terrain's pyramids by metric, with their generations, in one statement."""
    return list(session.scalars(_pyramids(terrain_id).order_by(Pyramid.metric)))


def is_generation_known(session: ReadSession, generation_id: str) -> bool:
    """Whether a generation was ever published, and its terrain is still there."""
    return session.get(Generation, generation_id) is not None


def publish_generation(
    session: WriteSession,
    new: NewGeneration,
    lease: Lease | None = None,
    missing: Sequence[NewMissingTile] = (),
) -> bool:
    """Put a generation into use, retire the one before it, and end the lease of its build.

    Doing so again changes nothing: whoever does not know whether it was done may ask once more.

    Parameters
    ----------
    missing : sequence of NewMissingTile
        What it was built without.

    Returns
    -------
    False when a better generation is in use, or it was replaced; only the lease is ended. Better is one
    of a newer revision, and a sound one of the same revision that misses nothing when this one does.

    Raises
    ------
    TerrainNotFound
        It was deleted while the pyramid was built.
    LeaseLost
        Another process builds the pyramid now; nothing may be kept of this session.
    """
    if lease is not None and lease.generation_id != new.id:
        raise ValueError(f"the lease is for {lease.generation_id}, what is to be published is {new.id}")
    lock_terrain(session, new.terrain_id)
    known = session.get(Generation, new.id, populate_existing=True)
    if known is not None:
        return known.retired_at is None
    _ensure_pyramid(session, new.terrain_id, new.metric)
    session.execute(insert(Generation).values(columns_of(new)))
    if not _point_at(session, new):
        session.execute(delete(Generation).where(Generation.id == new.id))
        if lease is not None:
            release_lease(session, lease, is_wanted=False)
        return False
    note_missing(session, new.id, missing)
    if lease is not None:
        finish_lease(session, lease)
    _retire(session, new.terrain_id, new.metric, kept=new.id)
    return True


def record_failure(
    session: WriteSession, terrain_id: int, metric: str, revision: int, failure: Mapping[str, Any]
) -> None:
    """Remember why a build failed; not when the terrain is gone or a later build knows better.

    Parameters
    ----------
    failure : mapping
        What JSON can hold.
    """
    try:
        lock_terrain(session, terrain_id)
    except TerrainNotFound:
        return
    _ensure_pyramid(session, terrain_id, metric)
    is_older = or_(Pyramid.failed_revision.is_(None), Pyramid.failed_revision <= revision)
    session.execute(
        update(Pyramid)
        .where(_is(terrain_id, metric), is_older, ~_is_sound_at(revision))
        .values(failed_revision=revision, failure=dict(failure), failed_at=utc_now())
    )


def mark_corrupt(session: WriteSession, terrain_id: int, metric: str, generation_id: str) -> None:
    """Remember that a generation is damaged, if it still is the one in use; another one is wanted."""
    marking = (
        update(Pyramid)
        .where(_is(terrain_id, metric), Pyramid.generation_id == generation_id)
        .values(corrupt=True)
    )
    if count_changed(session.execute(marking)):
        reopen_builds(session, terrain_id, metric, is_wanted=True)


def drop_pyramid(session: WriteSession, terrain_id: int, metric: str) -> None:
    """Forget a pyramid and its failure; its generation is retired."""
    session.execute(delete(Pyramid).where(_is(terrain_id, metric)))
    _retire(session, terrain_id, metric, kept=None)


def _pyramids(terrain_id: int) -> Select[Pyramid]:
    return (
        select(Pyramid)
        .where(Pyramid.terrain_id == terrain_id)
        .options(joinedload(Pyramid.generation))
        .execution_options(populate_existing=True)
    )


def _is(terrain_id: int, metric: str) -> ColumnElement[bool]:
    return and_(Pyramid.terrain_id == terrain_id, Pyramid.metric == metric)


def _is_sound_at(revision: int) -> ColumnElement[bool]:
    """Whether an undamaged generation of the revision that misses nothing, or of a newer one, is in use."""
    is_whole = and_(Generation.revision == revision, Generation.missing_tile_count == 0)
    built = select(Generation.id).where(or_(Generation.revision > revision, is_whole))
    return and_(Pyramid.generation_id.is_not(None), Pyramid.generation_id.in_(built), ~Pyramid.corrupt)


def _ensure_pyramid(session: WriteSession, terrain_id: int, metric: str) -> None:
    if session.get(Pyramid, (terrain_id, metric)) is None:
        session.add(Pyramid(terrain_id=terrain_id, metric=metric))
        session.flush()


def _point_at(session: WriteSession, new: NewGeneration) -> bool:
    """Whether the pyramid points at the new generation now: the fence against late builders.

    One that misses tiles takes nothing from readers of a whole one of the same revision.
    """
    not_newer = select(Generation.id).where(Generation.revision <= new.revision)
    not_better = not_newer.where(
        or_(Generation.revision < new.revision, Generation.missing_tile_count > 0, Pyramid.corrupt)
    )
    pointing = (
        update(Pyramid)
        .where(
            _is(new.terrain_id, new.metric),
            or_(
                Pyramid.generation_id.is_(None),
                Pyramid.generation_id.in_(not_better if new.missing_tile_count else not_newer),
            ),
        )
        .values(generation_id=new.id, failed_revision=None, failure=None, failed_at=None, corrupt=False)
        .returning(Pyramid.generation_id)
    )
    return session.execute(pointing).first() is not None


def _retire(session: WriteSession, terrain_id: int, metric: str, *, kept: str | None) -> None:
    retiring = update(Generation).where(
        Generation.terrain_id == terrain_id, Generation.metric == metric, Generation.retired_at.is_(None)
    )
    if kept is not None:
        retiring = retiring.where(Generation.id != kept)
    session.execute(retiring.values(retired_at=read_clock(session)))
    reopen_builds(session, terrain_id, metric, but=kept)
