"""Tiles: find, list, register, change, take away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, and_, false, insert, or_, select, tuple_

from catalog.database import ReadSession, WriteSession
from catalog.errors import TerrainNotFound, TileNotFound
from catalog.models import Terrain, Tile
from catalog.repository.paging import Page, decode_cursor, read_page
from catalog.repository.rows import columns_of
from catalog.repository.terrains import lock_terrain
from raster.grid import Window

ID = re.compile(r"[0-9]{1,18}")
"""Ids as a cursor carries them, within 64 bits."""

KEYS_A_STATEMENT = 1000
"""Databases bound the parameters of a statement: SQLite at 32 766."""


ROWS_AT_ONCE = 10_000
"""Rows fetched in one go when all tiles of a terrain are gone through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTile:
    """A tile to register; the fields are those of `models.Tile`."""

    url: str
    x: int
    y: int
    width: int
    height: int
    dtype: str
    nodata: int | float | None = None
    scale: float = 1.0
    offset: float = 0.0
    south_up: bool = False
    priority: int = 0
    size: int
    mtime_ns: int | None = None
    etag: str | None = None
    transform: list[float] | None = None
    crs: str | None = None
    block_height: int
    block_width: int
    is_declared: bool = False


@dataclass(frozen=True, slots=True)
class TileRow:
    """What a build has to know of a tile; the fields are those of `models.Tile`."""

    url: str
    x: int
    y: int
    width: int
    height: int
    dtype: str
    nodata: int | float | None
    scale: float
    offset: float
    size: int
    mtime_ns: int | None
    etag: str | None
    block_height: int
    block_width: int


@dataclass(frozen=True, slots=True)
class ListedTile:
    """What a list tells of a tile; the fields are those of `models.Tile`."""

    id: int
    terrain_id: int
    url: str
    x: int
    y: int
    width: int
    height: int
    dtype: str
    nodata: int | float | None
    scale: float
    offset: float
    priority: int
    size: int
    mtime_ns: int | None
    etag: str | None
    is_declared: bool


@dataclass(frozen=True, slots=True)
class RegisteredTiles:
    """The tiles in the order asked for, and whether any is new or differs from what was known."""

    tiles: list[Tile]
    has_changed: bool


def get_tile(session: ReadSession, tile_id: int) -> Tile:
    """The tile with an id.

    Raises
    ------
    TileNotFound
    """
    tile = session.get(Tile, tile_id)
    if tile is None:
        raise TileNotFound(tile_id)
    return tile


def list_by_id(session: ReadSession, ids: Sequence[int]) -> list[Tile]:
    """The tiles with these ids that are there, in this order."""
    found: dict[int, Tile] = {}
    for start in range(0, len(ids), KEYS_A_STATEMENT):
        query = select(Tile).where(Tile.id.in_(ids[start : start + KEYS_A_STATEMENT]))
        found.update((tile.id, tile) for tile in session.scalars(query))
    return [found[each] for each in ids if each in found]


def lock_tile(session: WriteSession, tile_id: int) -> Tile:
    """The tile as it is now, its terrain locked.

    Raises
    ------
    TileNotFound
    """
    try:
        lock_terrain(session, get_tile(session, tile_id).terrain_id)
    except TerrainNotFound as error:
        raise TileNotFound(tile_id) from error
    tile = session.get(Tile, tile_id, populate_existing=True)
    if tile is None:
        raise TileNotFound(tile_id)
    return tile


def list_tiles(
    session: ReadSession,
    terrain_id: int,
    *,
    limit: int,
    after: str | None = None,
    cell: Window | None = None,
    windows: Sequence[Window] | None = None,
) -> Page[ListedTile]:
    """A page of a terrain's tiles in the order of registration, in one statement.

    Parameters
    ----------
    limit : int
        At least 1.
    after : str or None
        Cursor of the page before.
    cell : Window or None
        Only tiles with cells in this window.
    windows : sequence of Window or None
        Only tiles with cells in one of them: rows y, columns x of the terrain's grid.

    Raises
    ------
    CursorInvalid
    """
    last_id = 0 if after is None else int(decode_cursor(after, ID))
    columns = (getattr(Tile, field.name) for field in fields(ListedTile))
    # not `terrain_id = …`: the order would be that of ids alone, and PostgreSQL would look for the
    # terrain's tiles among all others in the primary key
    begun = tuple_(Tile.terrain_id, Tile.id) > (terrain_id, last_id)
    query = select(*columns).where(begun, Tile.terrain_id <= terrain_id).order_by(Tile.terrain_id, Tile.id)
    if cell is not None:
        query = query.where(_touches(cell))
    if windows is not None:
        query = query.where(or_(false(), *map(_touches, windows)))
    return read_page(session, query, limit, ListedTile, lambda tile: tile.id)


def _touches(window: Window) -> ColumnElement[bool]:
    return and_(
        Tile.y < window.row_stop,
        Tile.y + Tile.height > window.row,
        Tile.x < window.col_stop,
        Tile.x + Tile.width > window.col,
    )


def iterate_tiles_in_precedence(session: ReadSession, terrain_id: int) -> Iterator[TileRow]:
    """All tiles of a terrain, the winning ones last: by priority, then in the order of registration.

    Rows, some at a time: a million tiles as objects would take gigabytes.
    """
    columns = [getattr(Tile, field.name) for field in fields(TileRow)]
    query = select(*columns).where(Tile.terrain_id == terrain_id).order_by(Tile.priority, Tile.id)
    for row in session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield TileRow(*row)


def register_tiles(session: WriteSession, terrain: Terrain, new: Sequence[NewTile]) -> RegisteredTiles:
    """Add tiles to a terrain; one whose url is registered replaces that tile, at its place in the order.

    Parameters
    ----------
    new : sequence of NewTile
        No url twice.
    """
    known = _find_by_url(session, terrain.id, [tile.url for tile in new])
    has_changed = False
    for tile in new:
        if tile.url in known:
            has_changed |= _replace(session, known[tile.url], tile)
    added = _insert(session, terrain.id, [tile for tile in new if tile.url not in known])
    known.update((tile.url, tile) for tile in added)
    session.flush()
    return RegisteredTiles([known[tile.url] for tile in new], has_changed or bool(added))


def set_priority(session: WriteSession, tile: Tile, priority: int) -> None:
    """Give a tile another precedence."""
    tile.priority = priority
    session.flush()


def delete_tile(session: WriteSession, tile: Tile) -> None:
    """Take a tile out of its terrain."""
    session.delete(tile)
    session.flush()


def _find_by_url(session: ReadSession, terrain_id: int, urls: Sequence[str]) -> dict[str, Tile]:
    found: dict[str, Tile] = {}
    for start in range(0, len(urls), KEYS_A_STATEMENT):
        some = urls[start : start + KEYS_A_STATEMENT]
        query = select(Tile).where(Tile.terrain_id == terrain_id, Tile.url.in_(some))
        found.update((tile.url, tile) for tile in session.scalars(query))
    return found


def _insert(session: WriteSession, terrain_id: int, new: Sequence[NewTile]) -> list[Tile]:
    """Insert in the order given, which the ids then keep."""
    if not new:
        return []
    rows = [{**columns_of(tile), "terrain_id": terrain_id} for tile in new]
    return list(session.scalars(insert(Tile).returning(Tile, sort_by_parameter_order=True), rows))


def _replace(session: WriteSession, known: Tile, new: NewTile) -> bool:
    """Whether anything differed."""
    for column, value in columns_of(new).items():
        setattr(known, column, value)
    return session.is_modified(known)
