"""Tiles that are declared: what they become when a build first looks into them, and what if they lied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from affine import Affine

from catalog.models import Tile
from catalog.repository import pyramids, terrains, tiles
from installations import Installation, save_geotiff
from raster.errors import SourceChanged, SourceMisdeclared, SourceNotFound
from raster.sources.declared import Declaration
from service.builds import build_pyramid
from service.creation import TerrainOrder, create_terrain
from service.house import House
from service.registration import register_tiles
from service.tile_orders import TileOrder
from service.tile_statistics import compute_statistics

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)
SHAPE = (3, 4)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps"))
        yield house


def save(house: House, name: str, col: int = 0, dtype: str = "int16", **how: Any) -> None:
    """A tile on the UTM grid, 7 in every cell."""
    cells = np.full(SHAPE, 7, dtype)
    how.setdefault("transform", UTM @ Affine.translation(col, 0))
    save_geotiff(house.roots.folders[0] / name, cells, **how)


def order(url: str, x: int | None = 0, nodata: float | None = None, **said: Any) -> TileOrder:
    """A tile that is declared to be what `save` makes, but for what is changed."""
    declared = Declaration(**{"height": SHAPE[0], "width": SHAPE[1], "dtype": "int16", **said})
    return TileOrder(url=url, x=x, y=None if x is None else 0, nodata=nodata, declared=declared)


def register(house: House, *orders: TileOrder) -> list[Tile]:
    return register_tiles(house, "alps", list(orders)).tiles


def build(house: House) -> str | None:
    return build_pyramid(house, "alps", "max", lambda done, total: None, insists=True)


def find(house: House, tile: Tile) -> Tile:
    with house.database.read() as session:
        return tiles.get_tile(session, tile.id)


def test_a_build_finds_out_what_inspection_would_have(house: House) -> None:
    save(house, "a.tif", nodata=-1, tiled=True, blockxsize=16, blockysize=16)
    save(house, "b.tif", col=4, nodata=-1, tiled=True, blockxsize=16, blockysize=16)
    (declared,) = register(house, order("a.tif", nodata=-1))
    assert (declared.is_declared, declared.block_height, declared.transform) == (True, 1, None)
    (inspected,) = register(house, TileOrder(url="b.tif", x=4, y=0))
    build(house)
    known = find(house, declared)
    facts = ("dtype", "nodata", "crs", "block_height", "block_width", "south_up", "is_declared")
    assert [getattr(known, fact) for fact in facts] == [getattr(inspected, fact) for fact in facts]
    assert known.transform == list(UTM[:6])
    assert known.registered_at == declared.registered_at


def test_a_declared_tile_ties_the_terrain_to_the_ground_when_it_is_looked_into(house: House) -> None:
    save(house, "a.tif", col=3)
    register(house, order("a.tif", x=3))
    build(house)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, "alps")
        pyramid = pyramids.find_pyramid(session, terrain.id, "max")
    assert (terrain.anchor_transform, terrain.crs) == (list(UTM[:6]), "EPSG:32632")
    assert terrain.west is not None
    assert pyramid is not None
    assert pyramid.generation is not None
    assert (pyramid.generation.crs, pyramid.generation.revision) == ("EPSG:32632", terrain.revision)


def test_a_declared_transform_places_a_tile(house: House) -> None:
    save(house, "a.tif")
    save(house, "b.tif", col=4)
    said: dict[str, Any] = {"crs": "EPSG:32632", "transform": UTM}
    there: dict[str, Any] = {
        "crs": "EPSG:32632",
        "transform": Affine(10.0, 0.0, 500_040.0, 0.0, 10.0, 4_999_970.0),
    }
    first, second = register(house, order("a.tif", x=None, **said), order("b.tif", x=None, **there))
    assert (first.x, first.y, second.x, second.y) == (0, 0, 4, 0)
    assert (second.transform, second.south_up) == (list((UTM @ Affine.translation(4, 0))[:6]), True)
    build(house)
    assert find(house, second).south_up is False


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ({"height": 5}, "registered with 5 x 4 cells, the file has 3 x 4"),
        ({"dtype": "float32"}, "registered with dtype float32, the file has int16"),
        ({"nodata": -5}, "registered with nodata -5, the file has -1"),
        ({"nodata": None}, "registered with no nodata value, the file has -1"),
        ({"scale": 2.0}, "registered with scale 2.0, the file has 1.0"),
        ({"offset": 1.0}, "registered with offset 1.0, the file has 0.0"),
        ({"x": 1}, "x=1, y=0 were given, its transform says x=0, y=0"),
        (
            {"x": None, "transform": UTM, "crs": "EPSG:32633"},
            "its CRS is EPSG:32632, the terrain's is EPSG:32633",
        ),
    ],
)
def test_a_tile_that_is_not_what_was_declared_fails_the_build(
    house: House, said: dict[str, Any], true: str
) -> None:
    save(house, "a.tif", nodata=-1)
    if "crs" not in said:  # else there would be nothing to contradict
        save(house, "true.tif", col=4, nodata=-1)
        register(house, TileOrder(url="true.tif"))
        said = {"x": -4, **said} if "x" not in said else {"x": said["x"] - 4}
    (tile,) = register(house, order("a.tif", **{"nodata": -1, **said}))
    true = true.replace("x=1, y=0", "x=-3, y=0").replace("says x=0", "says x=-4")
    with pytest.raises(SourceMisdeclared) as lied:
        build(house)
    assert str(lied.value) == f"a.tif: {true}; register it again"
    with house.database.read() as session:
        pyramid = pyramids.find_pyramid(session, tile.terrain_id, "max")
    assert pyramid is not None
    assert pyramid.failure is not None
    assert pyramid.failure["detail"] == str(lied.value)
    with pytest.raises(SourceMisdeclared):
        compute_statistics(house, tile.id)
    assert find(house, tile).is_declared


def test_registering_the_tile_again_is_the_way_out(house: House) -> None:
    save(house, "a.tif")
    register(house, order("a.tif", height=30))
    with pytest.raises(SourceMisdeclared):
        build(house)
    register(house, TileOrder(url="a.tif", x=0, y=0))
    assert build(house)


def test_the_number_of_others_is_told_and_what_is_true_is_not_looked_into_again(house: House) -> None:
    for col, name in enumerate(("a.tif", "b.tif", "c.tif", "d.tif")):
        save(house, name, col=col * 4)
    lies = [order("b.tif", x=4, dtype="int8"), order("c.tif", x=8, dtype="uint8"), order("d.tif", x=12)]
    found = register(house, order("a.tif"), *lies)
    (house.roots.folders[0] / "d.tif").unlink()
    with pytest.raises(
        SourceMisdeclared, match=r"^b.tif: .*; 2 other tiles are not what was declared, either$"
    ):
        build(house)
    assert [find(house, tile).is_declared for tile in found] == [False, True, True, True]


def test_a_file_that_changed_or_went_since_it_was_declared_is_named(house: House) -> None:
    save(house, "a.tif")
    register(house, order("a.tif"))
    path = house.roots.folders[0] / "a.tif"
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceChanged, match="register it again"):
        build(house)
    path.unlink()
    with pytest.raises(SourceNotFound):
        build(house)


def test_a_file_without_nodata_and_place_contradicts_nothing(house: House) -> None:
    np.save(house.roots.folders[0] / "a.npy", np.full(SHAPE, 7, "int16"))
    register(house, order("a.npy", nodata=0, x=100))
    assert build(house)
    assert compute_statistics(house, 1).mean == 7


def test_what_was_declared_and_found_true_is_no_change_when_it_is_declared_again(house: House) -> None:
    np.save(house.roots.folders[0] / "a.npy", np.full(SHAPE, 7, "int16"))
    (tile,) = register(house, order("a.npy"))
    assert compute_statistics(house, tile.id).valid_count == 12
    build(house)
    assert find(house, tile).is_declared is False
