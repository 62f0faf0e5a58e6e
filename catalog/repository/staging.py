"""Rows of a table that is being registered: staged some at a time, then made tiles in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from catalog.column_types import utc_now
from catalog.database import ReadSession, WriteSession
from catalog.model_base import Json
from catalog.models import Registration, StagedTile, Tile
from catalog.repository.registrations import OPEN
from catalog.repository.rows import columns_of
from catalog.repository.tiles import NewTile

LINES_A_STATEMENT = 20_000
"""A statement that writes may take a minute, see `catalog.backends`; this takes seconds."""

FACTS = tuple(field.name for field in fields(NewTile) if field.name != "url")

LOOKED_UP = frozenset({"south_up", "transform", "crs", "block_height", "block_width", "is_declared"})
"""What a look into the file adds to a declared tile: no change of what was declared."""


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row, and the line of the table where it ends."""

    line: int
    tile: NewTile


@dataclass(frozen=True, slots=True)
class RepeatedRow:
    """A row whose source an earlier line names."""

    line: int
    url: str


def stage_tiles(session: WriteSession, registration_id: str, rows: Sequence[StagedRow]) -> None:
    """Keep rows until all of them are there."""
    if rows:
        values = [
            {**columns_of(row.tile), "registration_id": registration_id, "line": row.line} for row in rows
        ]
        session.execute(insert(StagedTile), values)


def count_repeated(session: ReadSession, registration_id: str) -> int:
    """Number of rows that name a source which an earlier one has named."""
    counting = select(func.count()).select_from(StagedTile).where(_is_repeated(registration_id))
    return session.scalars(counting).one()


def list_repeated(session: ReadSession, registration_id: str, limit: int) -> Sequence[RepeatedRow]:
    """The first of them."""
    query = select(StagedTile.line, StagedTile.url).where(_is_repeated(registration_id))
    return [RepeatedRow(*row) for row in session.execute(query.order_by(StagedTile.line).limit(limit))]


def _is_repeated(registration_id: str) -> ColumnElement[bool]:
    earlier = aliased(StagedTile)
    is_repeated = exists().where(
        earlier.registration_id == registration_id,
        earlier.url == StagedTile.url,
        earlier.line < StagedTile.line,
    )
    return and_(StagedTile.registration_id == registration_id, is_repeated)


def register_staged(session: WriteSession, terrain_id: int, registration_id: str) -> bool:
    """Make all staged rows tiles, in the order of their lines; as `tiles.register_tiles` does.

    A declared row changes nothing of a tile of which the same was declared, or found.

    Returns
    -------
    Whether any tile is new or differs from what was known
    """
    last = session.scalar(
        select(func.max(StagedTile.line)).where(StagedTile.registration_id == registration_id)
    )
    changed = 0
    for start in range(1, (last or 0) + 1, LINES_A_STATEMENT):
        lines = and_(
            StagedTile.registration_id == registration_id,
            StagedTile.line.between(start, start + LINES_A_STATEMENT - 1),
        )
        changed += _replace(session, terrain_id, lines) + _insert(session, terrain_id, lines)
    return changed > 0


def _replace(session: WriteSession, terrain_id: int, lines: ColumnElement[bool]) -> int:
    is_other = or_(
        *(_differs(name) for name in FACTS if name not in LOOKED_UP),
        and_(~StagedTile.is_declared, or_(*(_differs(name) for name in sorted(LOOKED_UP)))),
    )
    replacing = (
        update(Tile)
        .where(Tile.terrain_id == terrain_id, Tile.url == StagedTile.url, lines, is_other)
        .values({name: getattr(StagedTile, name) for name in FACTS} | {"registered_at": utc_now()})
    )
    return _count(session.execute(replacing, execution_options={"synchronize_session": False}))


def _differs(name: str) -> ColumnElement[bool]:
    known, staged = getattr(Tile, name), getattr(StagedTile, name)
    return _comparable(known).is_distinct_from(_comparable(staged))


def _comparable(column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    # PostgreSQL compares no JSON
    return cast(column, Text) if column.type is Json else column.expression


def _insert(session: WriteSession, terrain_id: int, lines: ColumnElement[bool]) -> int:
    names = ("url", *FACTS)
    is_known = exists().where(Tile.terrain_id == terrain_id, Tile.url == StagedTile.url)
    staged = (
        select(literal(terrain_id), *(getattr(StagedTile, name) for name in names))
        .where(lines, ~is_known)
        .order_by(StagedTile.line)
    )
    inserting = insert(Tile).from_select(["terrain_id", *names], staged)
    # of an INSERT, SQLAlchemy keeps no count unless it is told to
    return _count(session.execute(inserting, execution_options={"preserve_rowcount": True}))


def drop_staged(session: WriteSession) -> bool:
    """Drop some rows of registrations that have ended; whether there may be more."""
    is_open = exists().where(Registration.id == StagedTile.registration_id, Registration.state.in_(OPEN))
    found = session.scalar(select(StagedTile.registration_id).where(~is_open).limit(1))
    if found is None:
        return False
    drop_staged_of(session, found)
    return True


def drop_staged_of(session: WriteSession, registration_id: str) -> bool:
    """Drop some rows of a registration; whether there may be more."""
    some = (
        select(StagedTile.line)
        .where(StagedTile.registration_id == registration_id)
        .order_by(StagedTile.line)
        .limit(LINES_A_STATEMENT)
    )
    dropping = delete(StagedTile).where(
        StagedTile.registration_id == registration_id, StagedTile.line.in_(some.scalar_subquery())
    )
    options = {"synchronize_session": False}
    return _count(session.execute(dropping, execution_options=options)) == LINES_A_STATEMENT


def _count(result: Any) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
