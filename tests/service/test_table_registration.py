"""Registering tables: where rows come to lie, and what if the terrain changes meanwhile."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from affine import Affine

from catalog.models import Registration, Terrain
from catalog.repository import registrations, terrains, tiles
from catalog.repository.registrations import RegistrationProgress
from installations import Installation, save_geotiff
from raster.errors import TerrainTooLarge
from service import table_registration
from service.creation import TerrainOrder, create_terrain
from service.errors import TableRefused
from service.house import House
from service.registration import register_tiles
from service.registration_jobs import Claim, claim, new_registration_id, queue_registration
from service.spool import TableKind
from service.table_registration import register_table
from service.tile_orders import TileOrder
from tables import declared, ndjson, save_tiles

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with installation.house(max_cells=10**6) as house:
        create_terrain(house, TerrainOrder(name="alps"))
        yield house


def begin(house: House) -> Claim:
    job = queue_registration(house, 1, new_registration_id(), 1, None)
    claimed = claim(house, job.id)
    assert claimed is not None
    return claimed


def register(
    house: House, table: bytes, on_progress: Callable[[RegistrationProgress], None] = lambda _: None
) -> Registration:
    return register_table(house, begin(house), io.BytesIO(table), TableKind.NDJSON, on_progress)


def alps(house: House) -> Terrain:
    with house.database.read() as session:
        return terrains.get_terrain(session, "alps")


def places(house: House) -> dict[str, tuple[int, int]]:
    with house.database.read() as session:
        return {tile.url: (tile.x, tile.y) for tile in tiles.list_tiles(session, 1, limit=1000).items}


def save_at(house: House, name: str, col: int) -> None:
    transform = UTM @ Affine.translation(col, 0)
    save_geotiff(house.roots.folders[0] / name, np.full((2, 2), 7, "int16"), transform=transform)


def test_the_first_georeferenced_row_ties_all_batches_to_the_ground(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_registration, "ROWS_AT_ONCE", 2)
    for col in range(5):
        save_at(house, f"{col}.tif", col * 2)
    done = register(house, ndjson({"url": f"{col}.tif"} for col in (1, 0, 2, 3, 4)))
    assert (done.rows_registered, done.revision, done.origin_moved) == (5, 1, False)
    assert places(house) == {f"{col}.tif": (col * 2 - 2, 0) for col in range(5)}
    assert (alps(house).min_x, alps(house).max_x, alps(house).tile_count) == (-2, 8, 5)
    assert alps(house).west is not None


def test_a_table_is_placed_anew_when_the_terrain_was_tied_to_the_ground_meanwhile(house: House) -> None:
    for col in range(3):
        save_at(house, f"{col}.tif", col * 2)

    def register_another(_: RegistrationProgress) -> None:
        if not alps(house).tile_count:
            register_tiles(house, "alps", [TileOrder(url="2.tif", x=100, y=0)])

    done = register(house, ndjson([{"url": "0.tif"}, {"url": "1.tif"}]), register_another)
    assert places(house) == {"2.tif": (100, 0), "0.tif": (96, 0), "1.tif": (98, 0)}
    assert (done.revision, done.origin_moved, alps(house).min_x) == (2, True, 96)


def test_a_terrain_that_would_be_too_large_is_a_failure(house: House, installation: Installation) -> None:
    save_tiles(installation.tiles, 2)
    job = begin(house)
    table = io.BytesIO(ndjson([declared(0), declared(1, x=10**6)]))
    with pytest.raises(TerrainTooLarge):
        register_table(house, job, table, TableKind.NDJSON, lambda _: None)
    with house.database.read() as session:
        found = registrations.get_registration(session, 1, job.registration_id)
    assert found.failure is not None
    assert (found.state, found.failure["error"]) == ("failed", "TerrainTooLarge")
    assert (places(house), alps(house).revision) == ({}, 0)


def test_the_same_table_again_is_no_new_revision_and_a_longer_one_is(
    house: House, installation: Installation
) -> None:
    save_tiles(installation.tiles, 3)
    for count, revision in ((2, 1), (2, 1), (3, 2)):
        done = register(house, ndjson(declared(number) for number in range(count)))
        assert (done.rows_registered, done.revision) == (count, revision)
        assert (alps(house).tile_count, alps(house).revision) == (count, revision)


def test_problems_are_told_while_rows_are_read(
    house: House, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_registration, "ROWS_AT_ONCE", 2)
    save_tiles(installation.tiles, 3)
    seen: list[tuple[int, int, list[int]]] = []

    def look(progress: RegistrationProgress) -> None:
        lines = [problem["line"] for problem in progress.problems]
        seen.append((progress.rows_read, progress.problem_count, lines))

    rows: list[dict[str, Any]] = [{"url": "0.npy"}, {"y": 1}, declared(1), declared(2), declared(9)]
    with pytest.raises(TableRefused, match="3 rows"):
        register(house, ndjson(rows), look)
    assert seen == [(2, 2, [1, 2]), (4, 2, [1, 2]), (5, 3, [1, 2, 5])]
