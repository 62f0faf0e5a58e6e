"""What is asked of a large catalogue: of the service, and of the database alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import LiteralString

from psycopg.sql import SQL, Identifier

from benchmark.large_catalogue import Size, name_of
from catalog.repository.paging import encode_cursor
from catalog.repository.terrains import ListedTerrain
from catalog.repository.tiles import ListedTile

LIMITS = (100, 1000)


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and the statement that finds the same rows."""

    name: str
    path: str
    sql: bytes
    parameters: tuple[int | str, ...]

    @property
    def is_further_page(self) -> bool:
        return "after=" in self.path

    @property
    def is_first_page(self) -> bool:
        return "limit=" in self.path and not self.is_further_page


def _select(row: type[ListedTerrain | ListedTile], statement: LiteralString) -> bytes:
    """A statement for the columns that the service makes such rows of."""
    columns = SQL(", ").join(Identifier(field.name) for field in fields(row))
    return SQL(statement).format(columns).as_bytes(None)


# one row more than asked for tells whether there is a next page
TERRAINS = _select(ListedTerrain, "SELECT {} FROM terrain WHERE name > %s ORDER BY name LIMIT %s")
TERRAIN = _select(ListedTerrain, "SELECT {} FROM terrain WHERE name = %s")
TILES = _select(
    ListedTile,
    "SELECT {} FROM tile WHERE (terrain_id, id) > (%s, %s) AND terrain_id <= %s "
    "ORDER BY terrain_id, id LIMIT %s",
)


def ask_about(size: Size, first_tile: int) -> list[Question]:
    """All questions.

    Parameters
    ----------
    first_tile : int
        The lowest id of the big terrain's tiles.
    """
    big = name_of(size.big_terrain)
    one = Question("one terrain", f"/terrain/{big}", TERRAIN, (big,))
    return [*_terrain_pages(size), one, *_tile_pages(size, first_tile)]


def _terrain_pages(size: Size) -> Iterator[Question]:
    for limit in LIMITS:
        places = {
            "first page": 0,
            "middle page": size.terrains // 2,
            f"{size.terrains * 9 // 10:,} in": size.terrains * 9 // 10,
            "last page": max(0, size.terrains - limit),
        }
        for place, skipped in places.items():
            after = f"&after={encode_cursor(name_of(skipped))}" if skipped else ""
            parameters = (name_of(skipped), limit + 1)
            path = f"/terrain?limit={limit}{after}"
            yield Question(f"terrains, limit {limit}, {place}", path, TERRAINS, parameters)


def _tile_pages(size: Size, first_tile: int) -> Iterator[Question]:
    big = size.big_terrain
    for limit in LIMITS:
        for skipped in (0, size.tiles_of_big * 9 // 10):
            last = first_tile + skipped - 1
            after = f"&after={encode_cursor(str(last))}" if skipped else ""
            place = f"{skipped:,} in" if skipped else "first page"
            path = f"/terrain/{name_of(big)}/tile?limit={limit}{after}"
            yield Question(f"its tiles, limit {limit}, {place}", path, TILES, (big, last, big, limit + 1))
