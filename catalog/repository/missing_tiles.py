"""Tiles that generations were built without."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from catalog.database import ReadSession, WriteSession
from catalog.models import MissingTile
from catalog.repository.rows import columns_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMissingTile:
    """A tile that could not be had; the fields are those of `models.MissingTile`."""

    source: str
    row: int
    col: int
    height: int
    width: int
    kind: str
    reason: str


def note_missing(session: WriteSession, generation_id: str, missing: Sequence[NewMissingTile]) -> None:
    """Remember what a new generation was built without."""
    rows = [
        {**columns_of(tile), "generation_id": generation_id, "number": number}
        for number, tile in enumerate(missing)
    ]
    if rows:
        session.execute(insert(MissingTile), rows)


def list_missing(
    session: ReadSession, generation_ids: Collection[str], most: int
) -> dict[str, list[MissingTile]]:
    """What generations were built without, the first few of each, by generation; one statement."""
    if not generation_ids:
        return {}
    query = select(MissingTile).where(MissingTile.generation_id.in_(generation_ids))
    found: dict[str, list[MissingTile]] = {generation_id: [] for generation_id in generation_ids}
    first = query.where(MissingTile.number < most).order_by(MissingTile.generation_id, MissingTile.number)
    for tile in session.scalars(first):
        found[tile.generation_id].append(tile)
    return found


def list_missing_sources(session: ReadSession, generation_id: str) -> set[str]:
    """The sources of all tiles that a generation was built without."""
    query = select(MissingTile.source).where(MissingTile.generation_id == generation_id)
    return set(session.scalars(query))
