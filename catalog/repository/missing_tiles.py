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
    session: ReadSession, generation_ids: Collection[str], most: int | None = None
) -> dict[str, list[MissingTile]]:
    """What generations were built without, by generation: all, or the first few of each; one statement."""
    if not generation_ids:
        return {}
    query = select(MissingTile).where(MissingTile.generation_id.in_(generation_ids))
    if most is not None:
        query = query.where(MissingTile.number < most)
    found: dict[str, list[MissingTile]] = {generation_id: [] for generation_id in generation_ids}
    for tile in session.scalars(query.order_by(MissingTile.number)):
        found[tile.generation_id].append(tile)
    return found
