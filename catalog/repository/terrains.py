"""Terrains: find, list, create, change, delete, and sum up their tiles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import IntegrityError

from catalog.database import ReadSession, WriteSession
from catalog.errors import TerrainExists, TerrainNotFound
from catalog.models import Terrain, Tile
from catalog.repository.lonlat import lies_in
from catalog.repository.paging import Page, decode_cursor, read_page
from catalog.repository.rows import columns_of
from raster.grid import Extent

NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
"""Anything else is no terrain's name, so the database need not be asked."""

ID = re.compile(r"[0-9]{1,18}")
"""Ids as text, within 64 bits."""

AFTER_NAMES = "{"
"""Follows every character of a name: the names that begin with q are those from `q` to `q{`."""

WORDS_IN_PYRAMIDS = frozenset({"title", "attribution", "license", "unit", "vertical_datum"})
"""What a pyramid repeats in its metadata."""

WORDS = WORDS_IN_PYRAMIDS | {"description"}
"""What may be said of a terrain at any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerrain:
    """A terrain to create; the fields are those of `models.Terrain`."""

    name: str
    title: str | None = None
    description: str | None = None
    attribution: str | None = None
    license: str | None = None
    unit: str | None = None
    vertical_datum: str | None = None
    crs: str | None = None
    anchor_transform: list[float] | None = None
    declared_x: int | None = None
    declared_y: int | None = None
    declared_width: int | None = None
    declared_height: int | None = None
    nodata: int | float | None = None
    tile_size: int | None = None


@dataclass(frozen=True, slots=True)
class ListedTerrain:
    """What a list tells of a terrain; the fields are those of `models.Terrain`."""

    id: int
    name: str
    title: str | None
    description: str | None
    attribution: str | None
    license: str | None
    unit: str | None
    vertical_datum: str | None
    crs: str | None
    anchor_transform: list[float] | None
    declared_x: int | None
    declared_y: int | None
    declared_width: int | None
    declared_height: int | None
    nodata: int | float | None
    tile_size: int | None
    revision: int
    tile_count: int
    min_x: int | None
    min_y: int | None
    max_x: int | None
    max_y: int | None
    west: float | None
    south: float | None
    east: float | None
    north: float | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """How a terrain's cells lie on the ground: transform of cell (x=0, y=0) as six numbers, and CRS."""

    transform: list[float] | None
    crs: str | None


def get_terrain(session: ReadSession, key: int | str) -> Terrain:
    """The terrain with an id, given as number or digits, or a name.

    Raises
    ------
    TerrainNotFound
    """
    terrain = find_terrain(session, key)
    if terrain is None:
        raise TerrainNotFound(key)
    return terrain


def find_terrain(session: ReadSession, key: int | str) -> Terrain | None:
    """The terrain with an id, given as number or digits, or a name; None when there is none."""
    query = _by_key(key)
    return None if query is None else session.scalars(query).one_or_none()


def lock_terrain(session: WriteSession, key: int | str) -> Terrain:
    """The terrain as it is now; until the session ends no other one locks it.

    Whoever changes a terrain, its tiles or its pyramids by what they were has to lock it first.

    Raises
    ------
    TerrainNotFound
    """
    query = _by_key(key)
    if query is None:
        raise TerrainNotFound(key)
    # rows that point at the terrain may come meanwhile: its key stays
    locking = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    terrain = session.scalars(locking).one_or_none()
    if terrain is None:
        raise TerrainNotFound(key)
    return terrain


def _by_key(key: int | str) -> Select[Terrain] | None:
    text = str(key)
    if ID.fullmatch(text):
        return select(Terrain).where(Terrain.id == int(text))
    return select(Terrain).where(Terrain.name == text) if NAME.fullmatch(text) else None


def list_terrains(
    session: ReadSession,
    *,
    limit: int,
    after: str | None = None,
    name_prefix: str | None = None,
    bbox: Extent | None = None,
) -> Page[ListedTerrain]:
    """A page of terrains by name, in one statement.

    Parameters
    ----------
    limit : int
        At least 1.
    after : str or None
        Cursor of the page before.
    name_prefix : str or None
        Start of the name, to the letter.
    bbox : Extent or None
        Degrees; left > right crosses the antimeridian.

    Raises
    ------
    CursorInvalid
    """
    query = select(*(getattr(Terrain, field.name) for field in fields(ListedTerrain))).order_by(Terrain.name)
    if after is not None:
        query = query.where(Terrain.name > decode_cursor(after, NAME))
    if name_prefix:
        if NAME.fullmatch(name_prefix) is None:
            return Page([], None)
        query = query.where(Terrain.name >= name_prefix, Terrain.name < name_prefix + AFTER_NAMES)
    if bbox is not None:
        query = query.where(lies_in(bbox))
    return read_page(session, query, limit, ListedTerrain, lambda terrain: terrain.name)


def create_terrain(session: WriteSession, new: NewTerrain) -> Terrain:
    """Catalogue a terrain without tiles, at revision 0.

    Raises
    ------
    TerrainExists
    """
    if NAME.fullmatch(new.name) is None:
        raise ValueError(f"{new.name!r} cannot be a terrain's name: it could not be found again")
    terrain = Terrain(**columns_of(new))
    try:
        with session.begin_nested():
            session.add(terrain)
    except IntegrityError as error:
        raise TerrainExists(new.name) from error
    return terrain


def update_terrain(session: WriteSession, terrain: Terrain, words: Mapping[str, Any]) -> None:
    """Change what is said of a terrain; a change that its pyramids repeat is a new revision."""
    if unknown := words.keys() - WORDS:
        raise ValueError(f"{sorted(unknown)} are not words of a terrain; there are {sorted(WORDS)}")
    changed = {word: text for word, text in words.items() if getattr(terrain, word) != text}
    if changed.keys() & WORDS_IN_PYRAMIDS:
        changed["revision"] = Terrain.revision + 1
    if changed:
        _update(session, terrain, changed)


def fix_anchor(session: WriteSession, terrain: Terrain, anchoring: Anchoring) -> None:
    """Remember how the terrain lies on the ground; `refresh_summary` then counts the revision."""
    _update(session, terrain, {"anchor_transform": anchoring.transform, "crs": anchoring.crs})


def refresh_summary(session: WriteSession, terrain: Terrain) -> None:
    """Sum up the terrain's tiles anew and count a new revision: due after every change of its tiles."""
    summary = select(
        func.count(Tile.id).label("tile_count"),
        func.min(Tile.x).label("min_x"),
        func.min(Tile.y).label("min_y"),
        func.max(Tile.x + Tile.width).label("max_x"),
        func.max(Tile.y + Tile.height).label("max_y"),
    ).where(Tile.terrain_id == terrain.id)
    columns = dict(session.execute(summary).mappings().one())
    _update(session, terrain, {**columns, "revision": Terrain.revision + 1})


def set_lonlat_extent(session: WriteSession, terrain: Terrain, extent: Extent | None) -> None:
    """Where the terrain lies on the globe, in degrees; left > right crosses the antimeridian."""
    columns = {
        "west": None if extent is None else extent.left,
        "south": None if extent is None else extent.bottom,
        "east": None if extent is None else extent.right,
        "north": None if extent is None else extent.top,
    }
    _update(session, terrain, columns)


def delete_terrain(session: WriteSession, terrain: Terrain) -> None:
    """Forget a terrain, its tiles and its pyramids."""
    session.delete(terrain)
    session.flush()


def _update(session: WriteSession, terrain: Terrain, columns: Mapping[str, Any]) -> None:
    """Change columns in the database, so that `revision + 1` loses no count, and in `terrain`."""
    changing = update(Terrain).where(Terrain.id == terrain.id).values(columns).returning(Terrain)
    session.scalars(changing, execution_options={"populate_existing": True}).one()
