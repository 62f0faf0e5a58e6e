from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from catalog.database import Database
from catalog.errors import TileNotFound
from catalog.models import Terrain, Tile
from catalog.repository.terrains import NewTerrain, create_terrain, delete_terrain, get_terrain
from catalog.repository.tiles import (
    KEYS_A_STATEMENT,
    NewTile,
    RegisteredTiles,
    delete_tile,
    get_tile,
    iterate_tiles_in_precedence,
    list_tiles,
    register_tiles,
    set_priority,
)
from raster.grid import Window

MakeTile = Callable[..., NewTile]


def register(database: Database, terrain: Terrain, *new: NewTile) -> RegisteredTiles:
    with database.write() as session:
        return register_tiles(session, get_terrain(session, terrain.id), new)


def order_of(database: Database, terrain: Terrain) -> list[str]:
    with database.read() as session:
        return [tile.url for tile in iterate_tiles_in_precedence(session, terrain.id)]


def columns(tile: NewTile | Tile) -> dict[str, Any]:
    return {field.name: getattr(tile, field.name) for field in fields(NewTile)}


def test_a_tile_comes_back_as_it_was_registered(database: Database, alps: Terrain) -> None:
    new = NewTile(
        url="ä/b c.tif", x=-(2**53), y=2**53, width=10801, height=3601, dtype="float32", nodata=-9999.0,
        scale=0.1, offset=-1e-300, south_up=True, priority=-5, size=2**40, mtime_ns=2**62, etag='W/"x"',
        transform=[0.1, 0.0, 5.0, 0.0, -0.1, 45.0], crs="EPSG:4326", block_height=1, block_width=10801,
    )  # fmt: skip
    (registered,) = register(database, alps, new).tiles
    with database.read() as session:
        found = get_tile(session, registered.id)
    assert columns(found) == columns(registered) == columns(new)
    assert found.terrain_id == alps.id


@pytest.mark.parametrize("tile_id", [0, -1, 99])
def test_an_unknown_tile_is_not_found(database: Database, tile_id: int) -> None:
    with database.read() as session, pytest.raises(TileNotFound) as missing:
        get_tile(session, tile_id)
    assert missing.value.tile_id == tile_id


def test_ids_follow_the_order_of_registration(database: Database, alps: Terrain, new_tile: MakeTile) -> None:
    urls = [f"{number * 7919 % 2503}.tif" for number in range(2503)]
    assert len(urls) > 2 * KEYS_A_STATEMENT
    outcome = register(database, alps, *(new_tile(url=url) for url in urls))
    assert [tile.url for tile in outcome.tiles] == urls
    ids = [tile.id for tile in outcome.tiles]
    assert ids == sorted(set(ids))
    assert order_of(database, alps) == urls


def test_registering_the_same_again_changes_nothing(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    tiles = [new_tile(url=f"{number}.tif", nodata=math.nan, dtype="float32") for number in range(2503)]
    first = register(database, alps, *tiles)
    again = register(database, alps, *tiles)
    assert (first.has_changed, again.has_changed) == (True, False)
    assert [(tile.id, tile.registered_at) for tile in again.tiles] == [
        (tile.id, tile.registered_at) for tile in first.tiles
    ]


CHANGES: dict[str, Any] = {
    "x": 1, "y": 1, "width": 21, "height": 11, "dtype": "uint8", "nodata": 0, "scale": 2.0, "offset": 1.0,
    "south_up": True, "priority": 1, "size": 401, "mtime_ns": 1, "etag": "e",
    "transform": [2.0, 0.0, 0.0, 0.0, -2.0, 0.0], "crs": "EPSG:4326", "block_height": 5, "block_width": 5,
    "is_declared": True,
}  # fmt: skip


def test_every_column_but_the_url_can_change() -> None:
    assert {field.name for field in fields(NewTile)} == CHANGES.keys() | {"url"}


@pytest.mark.parametrize("column", CHANGES)
def test_a_tile_that_differs_replaces_the_one_of_its_url(
    database: Database, alps: Terrain, new_tile: MakeTile, column: str
) -> None:
    before = register(database, alps, new_tile(url="a.tif"), new_tile(url="b.tif")).tiles
    changed = new_tile(url="a.tif", **{column: CHANGES[column]})
    outcome = register(database, alps, new_tile(url="b.tif"), changed)
    assert outcome.has_changed
    assert [tile.id for tile in outcome.tiles] == [before[1].id, before[0].id]
    with database.read() as session:
        found = get_tile(session, before[0].id)
    assert columns(found) == columns(changed)
    assert found.registered_at > before[0].registered_at


@pytest.mark.parametrize(
    ("before", "after"), [(-9999, -9999.0), (math.nan, None), (None, math.nan), (0, None)]
)
def test_nodata_of_another_kind_is_a_change(
    database: Database, alps: Terrain, new_tile: MakeTile, before: float | None, after: float | None
) -> None:
    (tile,) = register(database, alps, new_tile(nodata=before)).tiles
    assert register(database, alps, new_tile(nodata=after)).has_changed
    with database.read() as session:
        assert repr(get_tile(session, tile.id).nodata) == repr(after)


def test_a_replaced_tile_keeps_its_place_in_the_order(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    register(database, alps, *(new_tile(url=url) for url in ("a", "b", "c")))
    register(database, alps, new_tile(url="d"), new_tile(url="a", size=1))
    assert order_of(database, alps) == ["a", "b", "c", "d"]


def test_terrains_may_share_a_source(database: Database, alps: Terrain, new_tile: MakeTile) -> None:
    with database.write() as session:
        andes = create_terrain(session, NewTerrain(name="andes"))
    (one,) = register(database, alps, new_tile()).tiles
    (other,) = register(database, andes, new_tile(x=5)).tiles
    assert one.id != other.id
    with database.read() as session:
        assert [get_tile(session, tile.id).x for tile in (one, other)] == [0, 5]


def test_registering_nothing_changes_nothing(database: Database, alps: Terrain) -> None:
    assert register(database, alps) == RegisteredTiles([], has_changed=False)


def test_of_tiles_that_cannot_all_be_registered_none_is(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    register(database, alps, new_tile(url="a"))
    with pytest.raises(IntegrityError):
        register(database, alps, new_tile(url="a", size=1), new_tile(url="b"), new_tile(url="b"))
    with database.read() as session:
        (kept,) = list_tiles(session, alps.id, limit=9).items
    assert (kept.url, kept.size) == ("a", 400)


def test_precedence_is_priority_then_registration(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    priorities = [3, 0, -2, 3, 0, 7, -2]
    register(database, alps, *(new_tile(url=f"{n}", priority=p) for n, p in enumerate(priorities)))
    expected = [str(n) for _, n in sorted((p, n) for n, p in enumerate(priorities))]
    assert order_of(database, alps) == expected


def test_another_priority_moves_a_tile(database: Database, alps: Terrain, new_tile: MakeTile) -> None:
    first, _ = register(database, alps, new_tile(url="a"), new_tile(url="b")).tiles
    with database.write() as session:
        set_priority(session, get_tile(session, first.id), 1)
    assert order_of(database, alps) == ["b", "a"]


def test_a_deleted_tile_is_gone_and_its_id_is_not_used_again(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    _, last = register(database, alps, new_tile(url="a"), new_tile(url="b")).tiles
    with database.write() as session:
        delete_tile(session, get_tile(session, last.id))
    assert order_of(database, alps) == ["a"]
    (again,) = register(database, alps, new_tile(url="b")).tiles
    assert again.id > last.id


def test_tiles_go_with_their_terrain(database: Database, alps: Terrain, new_tile: MakeTile) -> None:
    (tile,) = register(database, alps, new_tile()).tiles
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
    with database.read() as session, pytest.raises(TileNotFound):
        get_tile(session, tile.id)


def random_windows(draw: random.Random, count: int) -> list[Window]:
    return [
        Window(
            row=draw.randint(-20, 20), col=draw.randint(-20, 20),
            height=draw.randint(1, 12), width=draw.randint(1, 12),
        )
        for _ in range(count)
    ]  # fmt: skip


def test_a_window_finds_the_tiles_with_cells_in_it(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    draw = random.Random(11)  # noqa: S311 - no secret
    places = random_windows(draw, 60)
    with database.write() as session:
        other = create_terrain(session, NewTerrain(name="other"))
        register_tiles(session, other, [new_tile(width=999, height=999, x=-400, y=-400)])
    tiles = [
        new_tile(url=str(n), x=place.col, y=place.row, width=place.width, height=place.height)
        for n, place in enumerate(places)
    ]
    register(database, alps, *tiles)
    with database.read() as session:
        for window in random_windows(draw, 200):
            found = [tile.url for tile in list_tiles(session, alps.id, limit=100, cell=window).items]
            asked = {
                (row, col)
                for row in range(window.row, window.row_stop)
                for col in range(window.col, window.col_stop)
            }
            assert found == [
                str(n)
                for n, place in enumerate(places)
                if any(place.row <= r < place.row_stop and place.col <= c < place.col_stop for r, c in asked)
            ]


def test_a_page_of_a_window_goes_on_where_it_ended(
    database: Database, alps: Terrain, new_tile: MakeTile
) -> None:
    register(database, alps, *(new_tile(url=str(n), x=100 * (n % 2)) for n in range(10)))
    window = Window(row=0, col=0, height=1, width=1)
    with database.read() as session:
        first = list_tiles(session, alps.id, limit=3, cell=window)
        last = list_tiles(session, alps.id, limit=3, cell=window, after=first.next)
    assert [tile.url for tile in first.items + last.items] == ["0", "2", "4", "6", "8"]
    assert last.next is None


def test_the_tile_of_a_registration_is_a_value(new_tile: MakeTile) -> None:
    assert replace(new_tile(), x=3) == new_tile(x=3)
