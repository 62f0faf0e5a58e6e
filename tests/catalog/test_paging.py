from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest

from catalog.database import Database
from catalog.errors import CursorInvalid
from catalog.models import Terrain
from catalog.repository.terrains import NewTerrain, create_terrain, list_terrains
from catalog.repository.tiles import NewTile, list_tiles, register_tiles


def cursor_of(key: str) -> str:
    return urlsafe_b64encode(key.encode()).decode()


def read_all(database: Database, limit: int, between: Callable[[int], None] = lambda page: None) -> list[str]:
    names: list[str] = []
    after: str | None = None
    for page_number in range(1000):
        with database.read() as session:
            page = list_terrains(session, limit=limit, after=after)
        names += [terrain.name for terrain in page.items]
        if page.next is None:
            return names
        after = page.next
        between(page_number)
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
def test_pages_visit_each_terrain_once_in_order_of_name(database: Database, limit: int) -> None:
    names = ["a", "a-b", "a0", "ab", "b", "b-", "zz"]
    with database.write() as session:
        for name in reversed(names):
            create_terrain(session, NewTerrain(name=name))
    assert read_all(database, limit) == sorted(names)


def test_terrains_that_come_meanwhile_move_no_other(database: Database) -> None:
    with database.write() as session:
        for number in range(20):
            create_terrain(session, NewTerrain(name=f"m{number:02}"))

    def add(page_number: int) -> None:
        with database.write() as session:
            create_terrain(session, NewTerrain(name=f"a{page_number}"))
            create_terrain(session, NewTerrain(name=f"z{page_number}"))

    names = read_all(database, 3, between=add)
    assert [name for name in names if name.startswith("m")] == [f"m{number:02}" for number in range(20)]
    assert names == sorted(set(names))


def test_an_empty_list_is_one_empty_page(database: Database) -> None:
    with database.read() as session:
        page = list_terrains(session, limit=5)
    assert (page.items, page.next) == ([], None)


def test_a_full_last_page_has_no_next(database: Database) -> None:
    with database.write() as session:
        for name in ("a", "b"):
            create_terrain(session, NewTerrain(name=name))
        assert list_terrains(session, limit=2).next is None


@pytest.mark.parametrize(
    "cursor",
    ["", "!", "a", "é", "\ud800", "\x00", "=", "YW xwcw", cursor_of("A"), cursor_of("1"),
     cursor_of("é"), cursor_of("a" * 101), "/w"],
)  # fmt: skip
def test_what_is_no_cursor_of_terrains_is_refused(database: Database, cursor: str) -> None:
    with database.read() as session, pytest.raises(CursorInvalid) as refusal:
        list_terrains(session, limit=5, after=cursor)
    assert refusal.value.cursor == cursor


@pytest.mark.parametrize("key", ["", "a", "-1", "1 ", "9" * 19, "٣"])
def test_what_is_no_cursor_of_tiles_is_refused(database: Database, alps: Terrain, key: str) -> None:
    with database.read() as session, pytest.raises(CursorInvalid):
        list_tiles(session, alps.id, limit=5, after=cursor_of(key))


@pytest.mark.parametrize("limit", [1, 4, 10, 11])
def test_pages_visit_each_tile_once_in_order_of_registration(
    database: Database, alps: Terrain, new_tile: Callable[..., NewTile], limit: int
) -> None:
    urls = [f"{number * 7 % 10}.tif" for number in range(10)]
    with database.write() as session:
        register_tiles(session, alps, [new_tile(url=url) for url in urls])
    found: list[str] = []
    after: str | None = None
    with database.read() as session:
        for _ in urls:
            page = list_tiles(session, alps.id, limit=limit, after=after)
            found += [tile.url for tile in page.items]
            after = page.next
            if after is None:
                break
    assert found == urls
