"""Tiles whose files nobody has looked at yet: they are what was declared when they were registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import bindparam, func, select, update

from catalog.database import ReadSession, WriteSession
from catalog.models import Tile
from catalog.repository.rows import columns_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What a look into the file adds; the fields are those of `models.Tile`."""

    south_up: bool
    transform: list[float] | None
    crs: str | None
    block_height: int
    block_width: int


def count_declared(session: ReadSession, terrain_id: int) -> int:
    """Number of a terrain's tiles that nobody has looked at."""
    counting = select(func.count()).where(Tile.terrain_id == terrain_id, Tile.is_declared)
    return session.scalars(counting).one()


def list_declared(session: ReadSession, terrain_id: int, *, after: int, limit: int) -> Sequence[Tile]:
    """Some of them, by id, with ids above `after`."""
    query = select(Tile).where(Tile.terrain_id == terrain_id, Tile.is_declared, Tile.id > after)
    return session.scalars(query.order_by(Tile.id).limit(limit)).all()


def note_looks(session: WriteSession, looks: Sequence[tuple[Tile, LookedUp]]) -> None:
    """Remember that tiles are what was declared; not of those that were registered anew meanwhile."""
    if not looks:
        return
    same = (
        Tile.id == bindparam("known_id"),
        Tile.is_declared,
        Tile.registered_at == bindparam("known_registered_at"),
    )
    columns: dict[str, Any] = {field.name: bindparam(field.name) for field in fields(LookedUp)}
    # the time is named, so that it stays as it is
    columns |= {"is_declared": False, "registered_at": Tile.registered_at}
    rows = [
        {**columns_of(added), "known_id": tile.id, "known_registered_at": tile.registered_at}
        for tile, added in looks
    ]
    session.connection().execute(update(Tile).where(*same).values(columns), rows)
