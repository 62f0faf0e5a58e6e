"""Lists of a large catalogue are read through indexes: the databases' own plans say so."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from catalog.database import Database, ReadSession
from catalog.models import BuildLease, Terrain, Tile
from catalog.repository.lease_views import list_live_leases
from catalog.repository.paging import encode_cursor
from catalog.repository.terrains import NewTerrain, create_terrain, find_terrain, list_terrains
from catalog.repository.tiles import list_tiles
from raster.grid import Extent

ROWS = 5000
"""Enough for an index to be worth it."""


@pytest.fixture
def large(database: Database) -> Database:
    """A catalogue of many terrains; `t` has many tiles, which came after as many of `s`."""
    with database.write() as session:
        created = [create_terrain(session, NewTerrain(name=name)) for name in "st"]
        rows = [
            {"name": f"{'abcdefghij'[number % 10]}{number}", "west": number % 360 - 180.0, "south": 0.0,
             "east": number % 360 - 179.5, "north": 0.5}
            for number in range(ROWS)
        ]  # fmt: skip
        session.execute(insert(Terrain), rows)
        tile = {"x": 0, "y": 0, "width": 1, "height": 1, "dtype": "int16",
                "scale": 1.0, "offset": 0.0, "south_up": False, "priority": 0, "size": 2, "block_height": 1,
                "block_width": 1}  # fmt: skip
        for terrain in created:
            tiles = [{**tile, "terrain_id": terrain.id, "url": f"{number}.tif"} for number in range(ROWS)]
            session.execute(insert(Tile), tiles)
        session.execute(text("ANALYZE"))
    return database


def plan_of(database: Database, ask: Callable[[ReadSession], object]) -> str:
    """How the database finds what `ask` asks for."""
    plan: list[str] = []

    def explain(_: object, cursor: Any, statement: str, parameters: Any, *rest: object) -> None:
        explaining = cursor.connection.cursor()
        words = "EXPLAIN QUERY PLAN" if isinstance(explaining, sqlite3.Cursor) else "EXPLAIN"
        explaining.execute(f"{words} {statement}", parameters)
        plan.extend(str(row[-1]) for row in explaining.fetchall())

    with database.read() as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", explain)
        ask(session)
        event.remove(engine, "before_cursor_execute", explain)
    return "\n".join(plan)


def test_a_page_of_names_is_read_off_an_index(large: Database) -> None:
    whole = plan_of(large, lambda session: list_terrains(session, limit=100))
    begun = plan_of(large, lambda session: list_terrains(session, limit=100, after=encode_cursor("e5")))
    for plan in (whole, begun):
        assert re.search("uq_terrain_name|sqlite_autoindex_terrain_1", plan), plan
        assert not re.search("Sort|TEMP B-TREE|Seq Scan", plan), plan


@pytest.mark.parametrize("prefix", ["a", "b17", "t"])
def test_a_prefix_is_a_range_of_an_index(large: Database, prefix: str) -> None:
    plan = plan_of(large, lambda session: list_terrains(session, limit=100, name_prefix=prefix))
    assert re.search(r"Index Cond: .*name.* >= .*name.* < |name>\? AND name<\?", plan), plan
    assert "Seq Scan" not in plan


def test_places_are_found_through_an_index_where_there_is_one(large: Database, catalogue_kind: str) -> None:
    alps = Extent(5.0, 0.1, 5.2, 0.2)
    plan = plan_of(large, lambda session: list_terrains(session, limit=100, bbox=alps))
    assert ("ix_terrain_place" in plan) == (catalogue_kind == "postgresql"), plan


@pytest.mark.parametrize("key", [None, str(ROWS + ROWS // 2)])
def test_a_page_of_tiles_is_read_off_the_index_of_its_terrain(large: Database, key: str | None) -> None:
    """Not off the primary key, where all tiles of other terrains come first."""
    with large.read() as session:
        terrain = find_terrain(session, "t")
    assert terrain is not None
    after = None if key is None else encode_cursor(key)
    plan = plan_of(large, lambda session: list_tiles(session, terrain.id, limit=100, after=after))
    assert "ix_tile_terrain_id_id" in plan
    assert not re.search("Sort|TEMP B-TREE|Seq Scan|pk_tile|Filter", plan), plan


def test_builds_under_way_are_found_among_those_that_ended(large: Database) -> None:
    with large.write() as session:
        terrain = find_terrain(session, "t")
        assert terrain is not None
        lease = {
            "terrain_id": terrain.id, "metric": "max", "recipe": "r", "owner": "a", "host": "h", "fence": 1,
            "state": "ready", "lease_until": 0.0, "attempts": 0, "generation_id": "g", "started_at": 0.0,
            "beat_at": 0.0,
        }  # fmt: skip
        session.execute(insert(BuildLease), [{**lease, "revision": number} for number in range(ROWS)])
        session.execute(text("ANALYZE"))
    plan = plan_of(large, list_live_leases)
    assert "ix_build_lease_building" in plan, plan
