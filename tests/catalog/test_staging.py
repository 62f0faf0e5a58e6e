"""Rows of a table: staged, and made tiles as registering them one by one would."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from catalog.database import Database
from catalog.models import Terrain, Tile
from catalog.repository import registrations, staging
from catalog.repository.registrations import NewRegistration
from catalog.repository.staging import LOOKED_UP, StagedRow
from catalog.repository.tiles import NewTile, register_tiles

MakeTile = Callable[..., NewTile]
JOB = "job"


@pytest.fixture
def alps_with_job(database: Database, alps: Terrain) -> Terrain:
    with database.write() as session:
        registrations.add_registration(session, NewRegistration(id=JOB, terrain_id=alps.id, byte_count=1))
    return alps


def known(database: Database, terrain: Terrain) -> list[Tile]:
    with database.read() as session:
        return list(session.scalars(select(Tile).where(Tile.terrain_id == terrain.id).order_by(Tile.id)))


def register(database: Database, terrain: Terrain, *rows: NewTile) -> bool:
    """Whether registering rows as a table changes anything."""
    with database.write() as session:
        staged = [StagedRow(line, tile) for line, tile in enumerate(rows, start=1)]
        staging.stage_tiles(session, JOB, staged)
        has_changed = staging.register_staged(session, terrain.id, JOB)
        while staging.drop_staged_of(session, JOB):
            pass
    return has_changed


CHANGES: dict[str, Any] = {
    "x": 1, "y": 1, "width": 21, "height": 11, "dtype": "uint8", "nodata": 0, "scale": 2.0, "offset": 1.0,
    "south_up": True, "priority": 1, "size": 401, "mtime_ns": 1, "etag": "e",
    "transform": [2.0, 0.0, 0.0, 0.0, -2.0, 0.0], "crs": "EPSG:4326", "block_height": 5, "block_width": 5,
    "is_declared": True,
}  # fmt: skip


def test_rows_become_tiles_in_the_order_of_lines_and_known_ones_keep_their_place(
    database: Database, alps_with_job: Terrain, new_tile: MakeTile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "LINES_A_STATEMENT", 7)
    urls = [f"{number * 7919 % 103}.tif" for number in range(103)]
    with database.write() as session:
        register_tiles(session, alps_with_job, [new_tile(url=urls[60]), new_tile(url="other.tif")])
    before = known(database, alps_with_job)
    assert register(database, alps_with_job, *(new_tile(url=url, x=x) for x, url in enumerate(urls)))
    after = known(database, alps_with_job)
    assert [tile.url for tile in after] == [urls[60], "other.tif", *urls[:60], *urls[61:]]
    assert [tile.id for tile in after[:2]] == [tile.id for tile in before]
    assert [tile.x for tile in after] == [60, 0, *range(60), *range(61, 103)]
    assert len({tile.registered_at for tile in after[2:]}) <= 103 // 7 + 1


def test_rows_that_are_known_change_nothing(
    database: Database, alps_with_job: Terrain, new_tile: MakeTile
) -> None:
    rows = [
        new_tile(url="a.tif", nodata=math.nan, dtype="float32", transform=[1.0, 0.0, 0.5, 0.0, -1.0, 0.1]),
        new_tile(url="b.tif", crs="EPSG:4326", mtime_ns=5),
    ]
    assert register(database, alps_with_job, *rows)
    before = [tile.registered_at for tile in known(database, alps_with_job)]
    assert not register(database, alps_with_job, *rows)
    assert [tile.registered_at for tile in known(database, alps_with_job)] == before


@pytest.mark.parametrize("column", CHANGES)
def test_a_row_that_differs_replaces_the_tile(
    database: Database, alps_with_job: Terrain, new_tile: MakeTile, column: str
) -> None:
    register(database, alps_with_job, new_tile())
    has_changed = register(database, alps_with_job, new_tile(**{column: CHANGES[column]}))
    # what a declared row says less is no change
    assert has_changed == (column != "is_declared")
    (tile,) = known(database, alps_with_job)
    assert (getattr(tile, column) == CHANGES[column]) == has_changed


@pytest.mark.parametrize("column", sorted(CHANGES.keys() - {"is_declared"}))
def test_a_declared_row_changes_what_it_declares_only(
    database: Database, alps_with_job: Terrain, new_tile: MakeTile, column: str
) -> None:
    register(database, alps_with_job, new_tile(**{column: CHANGES[column]}))
    assert register(database, alps_with_job, new_tile(is_declared=True)) == (column not in LOOKED_UP)


def test_tiles_of_other_terrains_stay(database: Database, alps_with_job: Terrain, new_tile: MakeTile) -> None:
    with database.write() as session:
        andes = Terrain(name="andes")
        session.add(andes)
        session.flush()
        register_tiles(session, andes, [new_tile(x=5)])
    register(database, alps_with_job, new_tile(x=7))
    assert [tile.x for tile in known(database, andes)] == [5]
    assert [tile.x for tile in known(database, alps_with_job)] == [7]


def test_rows_of_jobs_that_ended_are_dropped_and_no_others(
    database: Database, alps_with_job: Terrain, new_tile: MakeTile
) -> None:
    with database.write() as session:
        staging.stage_tiles(session, JOB, [StagedRow(1, new_tile())])
        assert not staging.drop_staged(session)
        registrations.claim_registration(session, JOB, "one")
        registrations.fail_registration(session, JOB, "one", {})
        assert staging.drop_staged(session)
        assert not staging.drop_staged(session)
