"""A tile's statistics: as the catalogue knows the tile, and of the source that was registered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.errors import TileNotFound
from raster.errors import SourceChanged, SourceNotFound, SourceUnreadable
from raster.statistics import Statistics
from service.creation import TerrainOrder, create_terrain
from service.house import House, open_house
from service.registration import register_tiles
from service.settings import Settings
from service.tile_orders import TileOrder
from service.tile_statistics import compute_statistics
from source_files import save_raster

CELLS = np.array([[1, 2, 3], [4, -9999, 6]], np.int16)


@pytest.fixture
def house(tmp_path: Path, catalogue_url: str) -> Iterator[House]:
    (tmp_path / "tiles").mkdir()
    house = open_house(
        Settings(
            database_url=catalogue_url,
            store_url=tmp_path / "pyramids",
            tile_root=(tmp_path / "tiles",),
        )
    )
    house.database.migrate()
    create_terrain(house, TerrainOrder(name="alps"))
    yield house
    house.database.dispose()


def register(house: House, name: str, nodata: int | None = None) -> int:
    """The id of the tile, its source dated back so that any later change has another time."""
    os.utime(file_of(house, name), ns=(1, 1))
    order = TileOrder(url=name, x=0, y=0, nodata=nodata)
    return register_tiles(house, "alps", [order]).tiles[0].id


def file_of(house: House, name: str) -> Path:
    return house.roots.folders[0] / name


def test_statistics_are_those_of_the_registered_tile(house: House) -> None:
    np.save(file_of(house, "a.npy"), CELLS)
    tile = register(house, "a.npy", nodata=-9999)
    found = compute_statistics(house, tile)
    assert found.std == pytest.approx(np.std([1, 2, 3, 4, 6]))
    assert replace(found, std=None) == Statistics(
        cell_count=6, valid_count=5, min=1, max=6, mean=16 / 5, std=None
    )


def test_the_registered_nodata_overrides_the_files(house: House) -> None:
    save_raster(file_of(house, "a.tif"), CELLS, nodata=1)
    tile = register(house, "a.tif", nodata=6)
    found = compute_statistics(house, tile)
    assert (found.valid_count, found.min, found.max) == (5, -9999, 4)


def test_scaled_tiles_are_summed_up_in_metres(house: House) -> None:
    save_raster(file_of(house, "a.tif"), CELLS, nodata=-9999, scale=0.5, offset=100.0)
    found = compute_statistics(house, register(house, "a.tif"))
    assert (found.valid_count, found.min, found.max, found.mean) == (5, 100.5, 103.0, 101.6)


def test_an_unknown_tile_is_not_found(house: House) -> None:
    with pytest.raises(TileNotFound):
        compute_statistics(house, 1)


def test_a_source_of_another_dtype_than_registered_gives_no_numbers(house: House) -> None:
    np.save(file_of(house, "a.npy"), CELLS)
    tile = register(house, "a.npy")
    np.save(file_of(house, "a.npy"), CELLS.view(np.uint16))  # as long as before
    with pytest.raises(SourceChanged, match=r"a\.npy: the file changed since it was registered"):
        compute_statistics(house, tile)


def test_a_source_registered_again_gives_its_new_numbers(house: House) -> None:
    np.save(file_of(house, "a.npy"), CELLS)
    tile = register(house, "a.npy")
    np.save(file_of(house, "a.npy"), np.array([[7, 9]], np.float32))
    assert register(house, "a.npy") == tile
    found = compute_statistics(house, tile)
    assert (found.cell_count, found.min, found.max, found.mean, found.std) == (2, 7.0, 9.0, 8.0, 1.0)


def test_a_source_that_is_gone_is_told(house: House) -> None:
    np.save(file_of(house, "a.npy"), CELLS)
    tile = register(house, "a.npy")
    file_of(house, "a.npy").unlink()
    with pytest.raises(SourceNotFound, match=r"a\.npy"):
        compute_statistics(house, tile)


def test_damage_that_was_there_at_registration_is_told(house: House) -> None:
    noise = np.random.default_rng(0).integers(0, 9000, (300, 300)).astype(np.int16)
    path = save_raster(file_of(house, "a.tif"), noise, compress="deflate")
    path.write_bytes(path.read_bytes()[:50_000])
    tile = register(house, "a.tif")
    with pytest.raises(SourceUnreadable, match=r"a\.tif: damaged"):
        compute_statistics(house, tile)
