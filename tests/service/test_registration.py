"""Registering tiles: where they come to lie, what is refused and why, and that it is all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from affine import Affine

from catalog.errors import TerrainNotFound
from catalog.models import Terrain
from catalog.repository import terrains, tiles
from installations import Installation, save_geotiff
from raster.errors import TerrainTooLarge
from raster.grid import Extent
from raster.window import StoredPyramid
from service.build_plans import plan_build
from service.builds import build_pyramid
from service.creation import TerrainOrder, create_terrain
from service.errors import RegistrationRefused
from service.house import House
from service.registration import Registration, change_priority, register_tiles, remove_tile
from service.terrain_grids import find_grid
from service.tile_orders import TileOrder
from terrains import cells_of

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps"))
        yield house


def save(house: House, name: str, cells: object, dtype: str = "int16") -> str:
    """A tile without georeferencing."""
    np.save(house.roots.folders[0] / name, np.array(cells, dtype=dtype))
    return name


def save_at(
    house: House, name: str, col: float, row: float, shape: tuple[int, int] = (2, 3), **how: Any
) -> str:
    """A georeferenced tile, its corner at a column and row of the UTM grid."""
    cells = np.full(shape, 7, dtype=how.pop("dtype", "int16"))
    transform = how.pop("transform", UTM) @ Affine.translation(col, row)
    save_geotiff(house.roots.folders[0] / name, cells, transform=transform, **how)
    return name


def register(house: House, *orders: TileOrder, terrain: str = "alps") -> Registration:
    return register_tiles(house, terrain, list(orders))


def places(registration: Registration) -> list[tuple[int, int]]:
    """x, y of the tiles."""
    return [(tile.x, tile.y) for tile in registration.tiles]


def alps(house: House) -> Terrain:
    with house.database.read() as session:
        return terrains.get_terrain(session, "alps")


def native(house: House) -> list[list[float | int]]:
    """The terrain's cells as they are read for a build."""
    mosaic = plan_build(house, "alps", ["max"]).plan.mosaic
    cells: list[list[float | int]] = cells_of(mosaic).tolist()
    return cells


def refusal(house: House, *orders: TileOrder) -> str:
    """The reason of a refusal, after which nothing has changed."""
    before = (alps(house).revision, alps(house).tile_count)
    with pytest.raises(RegistrationRefused) as refused:
        register(house, *orders)
    assert (alps(house).revision, alps(house).tile_count) == before
    return str(refused.value)


def test_georeferenced_tiles_are_placed_by_their_transforms(house: House) -> None:
    orders = [
        TileOrder(url=save_at(house, "a.tif", 0, 0)),
        TileOrder(url=save_at(house, "b.tif", 3, 0)),
        TileOrder(url=save_at(house, "c.tif", 0, 2)),
    ]
    assert places(register(house, *orders)) == [(0, 0), (3, 0), (0, 2)]
    grid = find_grid(alps(house))
    assert grid is not None
    assert (grid.shape, grid.crs) == ((4, 6), "EPSG:32632")
    assert grid.transform.almost_equals(UTM)


def test_the_first_georeferenced_tile_ties_x_and_y_to_the_ground(house: House) -> None:
    register(house, TileOrder(url=save_at(house, "a.tif", 0, 0), x=100, y=200))
    assert places(register(house, TileOrder(url=save_at(house, "b.tif", 3, 0)))) == [(103, 200)]


def test_tiles_without_georeferencing_are_placed_by_x_and_y(house: House) -> None:
    register(house, TileOrder(url=save(house, "a.npy", [[1, 2]]), x=0, y=0))
    register(house, TileOrder(url=save(house, "b.npy", [[3], [4]]), x=2, y=-1))
    gap = plan_build(house, "alps", ["max"]).plan.mosaic.cell_type.nodata
    assert native(house) == [[gap, gap, 3], [1, 2, 4]]


def test_tiles_without_place_or_with_half_of_one_are_refused(house: House) -> None:
    url = save(house, "a.npy", [[1]])
    assert "a.npy: the file is not georeferenced; give its x and y" in refusal(house, TileOrder(url=url))
    assert "x and y go together" in refusal(house, TileOrder(url=url, x=1))


def test_x_and_y_count_tiles_where_the_terrain_has_a_tile_size(house: House) -> None:
    create_terrain(house, TerrainOrder(name="table", tile_size=4))
    orders = [
        TileOrder(url=save(house, f"{x}-{y}.npy", np.ones((4, 4))), x=x, y=y) for y in (-1, 2) for x in (0, 3)
    ]
    placed = register(house, *orders, terrain="table")
    assert places(placed) == [(0, -4), (12, -4), (0, 8), (12, 8)]


def test_a_place_that_contradicts_the_transform_is_refused_naming_both(house: House) -> None:
    register(house, TileOrder(url=save_at(house, "a.tif", 0, 0)))
    reason = refusal(house, TileOrder(url=save_at(house, "b.tif", 3, 0), x=4, y=0))
    assert "x=4, y=0 were given, its transform says x=3, y=0" in reason


@pytest.mark.parametrize(("x", "y", "moved"), [(-1, 0, True), (0, -1, True), (3, 0, False), (0, 2, False)])
def test_only_growth_to_the_left_and_up_moves_the_origin(house: House, x: int, y: int, moved: bool) -> None:
    assert not register(
        house, TileOrder(url=save(house, "a.npy", [[1, 2, 3], [4, 5, 6]]), x=0, y=0)
    ).origin_moved
    grown = register(house, TileOrder(url=save(house, "b.npy", [[9]]), x=x, y=y))
    assert grown.origin_moved is moved


def test_a_moved_origin_is_followed_by_a_correct_build(house: House) -> None:
    register(house, TileOrder(url=save(house, "a.npy", [[1, 2], [3, 4]]), x=0, y=0))
    register(house, TileOrder(url=save(house, "b.npy", [[9, 8]]), x=-1, y=-1))
    build_pyramid(house, "alps", "max", lambda done, total: None)
    plan = plan_build(house, "alps", ["max"]).plan
    (href,) = house.store.list_hrefs()
    stored = StoredPyramid(house.pyramid_root(href), plan.grid)
    assert stored.read_window(1, plan.grid.level(1).window)[:, 0].tolist() == [9, 3]
    assert stored.read_window(2, plan.grid.level(2).window).tolist() == [[9]]


def test_later_tiles_win_and_their_nodata_lets_earlier_ones_show(house: House) -> None:
    below = TileOrder(url=save(house, "a.npy", [[1, 2, 3]]), x=0, y=0)
    above = TileOrder(url=save(house, "b.npy", [[8, -1]]), x=1, y=0, nodata=-1)
    register(house, below, above)
    assert native(house) == [[1, 8, 3]]


def test_priority_wins_over_the_order_of_registration(house: House) -> None:
    first = TileOrder(url=save(house, "a.npy", [[1, 1]]), x=0, y=0, priority=1)
    second = TileOrder(url=save(house, "b.npy", [[2, 2]]), x=1, y=0)
    placed = register(house, first, second)
    assert native(house) == [[1, 1, 2]]
    revision = alps(house).revision
    change_priority(house, placed.tiles[1].id, 2)
    assert native(house) == [[1, 2, 2]]
    assert alps(house).revision == revision + 1
    change_priority(house, placed.tiles[1].id, 2)
    assert alps(house).revision == revision + 1


def test_gaps_and_unequal_sizes_are_filled_with_a_value_no_tile_has(house: House) -> None:
    register(
        house,
        TileOrder(url=save(house, "a.npy", [[-128, 127]], "int8"), x=0, y=0),
        TileOrder(url=save(house, "b.npy", [[5], [6], [7]], "int8"), x=3, y=0),
    )
    mosaic = plan_build(house, "alps", ["max"]).plan.mosaic
    gap = mosaic.cell_type.nodata
    assert gap is not None
    assert not -128 <= gap <= 127
    assert native(house) == [[-128, 127, gap, 5], [gap, gap, gap, 6], [gap, gap, gap, 7]]


def test_mixed_dtypes_and_sentinels_become_one_type(house: House) -> None:
    register(
        house,
        TileOrder(url=save(house, "a.npy", [[1, 255]], "uint8"), x=0, y=0, nodata=255),
        TileOrder(url=save(house, "b.npy", [[-9999, -2]], "int16"), x=2, y=0, nodata=-9999),
        TileOrder(url=save(house, "c.npy", [[0.5, np.inf]], "float32"), x=4, y=0),
    )
    mosaic = plan_build(house, "alps", ["max"]).plan.mosaic
    cells = cells_of(mosaic)
    assert cells.dtype == np.float32
    np.testing.assert_array_equal(cells, [[1, np.nan, np.nan, -2, 0.5, np.nan]])


def test_the_terrains_nodata_serves_tiles_that_name_none(house: House) -> None:
    create_terrain(house, TerrainOrder(name="voids", nodata=-32768))
    own = TileOrder(url=save_at(house, "own.tif", 0, 0, nodata=7))
    none = TileOrder(url=save_at(house, "none.tif", 3, 0))
    override = TileOrder(url=save_at(house, "override.tif", 6, 0, nodata=7), nodata=3)
    placed = register(house, own, none, override, terrain="voids")
    assert [tile.nodata for tile in placed.tiles] == [7, -32768, 3]


def test_a_nodata_that_the_tile_cannot_hold_is_refused(house: House) -> None:
    order = TileOrder(url=save(house, "a.npy", [[1]], "uint8"), x=0, y=0, nodata=-9999)
    assert "a.npy: nodata -9999 is not a value of uint8" in refusal(house, order)


def test_registering_a_source_again_replaces_the_tile_in_its_place(house: House) -> None:
    url = save(house, "a.npy", [[1, 1]])
    first = register(
        house, TileOrder(url=url, x=0, y=0), TileOrder(url=save(house, "b.npy", [[2]]), x=1, y=0)
    )
    save(house, "a.npy", [[5, 6, 7]])
    again = register(house, TileOrder(url=url, x=0, y=0))
    assert again.tiles[0].id == first.tiles[0].id
    assert again.tiles[0].width == 3
    assert (alps(house).tile_count, alps(house).revision) == (2, 2)
    assert native(house) == [[5, 2, 7]]


def test_registering_an_unchanged_source_again_changes_nothing(house: House) -> None:
    order = TileOrder(url=save(house, "a.npy", [[1]]), x=0, y=0)
    register(house, order)
    assert register(house, order).revision == alps(house).revision == 1


def test_one_bad_tile_among_fifty_leaves_the_catalogue_as_it_was(house: House) -> None:
    orders = [TileOrder(url=save(house, f"{i:02}.npy", [[i]]), x=i, y=0) for i in range(50)]
    (house.roots.folders[0] / "31.npy").write_bytes(b"not a raster")
    before = alps(house).updated_at
    assert "31.npy" in refusal(house, *orders)
    with house.database.read() as session:
        assert list(tiles.iterate_tiles_in_precedence(session, alps(house).id)) == []
    assert (alps(house).anchor_transform, alps(house).updated_at) == (None, before)
    save(house, "31.npy", [[31]])
    assert places(register(house, *orders)) == [(i, 0) for i in range(50)]


def test_every_bad_tile_is_named_at_once(house: House) -> None:
    (house.roots.folders[0] / "broken.npy").write_bytes(b"nothing")
    orders = [
        TileOrder(url="missing.npy", x=0, y=0),
        TileOrder(url="broken.npy", x=0, y=0),
        TileOrder(url="../outside.npy", x=0, y=0),
        TileOrder(url=save(house, "good.npy", [[1]]), x=0, y=0),
        TileOrder(url="good.npy", x=5, y=0),
    ]
    with pytest.raises(RegistrationRefused) as refused:
        register(house, *orders)
    reasons = {str(reason).partition(":")[0] for reason in refused.value.reasons}
    assert reasons == {"missing.npy", "broken.npy", "../outside.npy", "good.npy"}


def test_the_same_file_under_two_names_is_named_twice(house: House) -> None:
    url = save(house, "a.npy", [[1]])
    absolute = str(house.roots.folders[0] / url)
    reason = refusal(house, TileOrder(url=url, x=0, y=0), TileOrder(url=absolute, x=1, y=0))
    assert "named twice" in reason


def test_one_mistyped_place_does_not_make_an_enormous_terrain(installation: Installation) -> None:
    with installation.house(max_cells=1000) as house:
        create_terrain(house, TerrainOrder(name="alps"))
        register(house, TileOrder(url=save(house, "a.npy", [[1]]), x=0, y=0))
        far = TileOrder(url=save(house, "b.npy", [[1]]), x=1000, y=0)
        with pytest.raises(TerrainTooLarge, match=r"1 x 1001 = 1001 cells.*1000 \(ZIGGURAT_MAX_CELLS\)"):
            register(house, far)
        assert (alps(house).tile_count, alps(house).revision) == (1, 1)
        register(house, TileOrder(url="b.npy", x=999, y=0))


@pytest.mark.parametrize("x", [2**60, -(2**60), 2**100])
def test_a_place_beyond_what_the_catalogue_holds_is_refused(house: House, x: int) -> None:
    order = TileOrder(url=save(house, "a.npy", [[1]]), x=x, y=0)
    assert f"a.npy: it would lie at x={x}" in refusal(house, order)


def test_tiles_outside_a_declared_extent_are_refused(house: House) -> None:
    extent = Extent(left=500_000, bottom=4_999_900, right=500_100, top=5_000_000)
    create_terrain(
        house,
        TerrainOrder(name="map", crs="EPSG:32632", anchor_transform=list(UTM[:6]), extent=extent),
    )
    register(house, TileOrder(url=save_at(house, "a.tif", 7, 8)), terrain="map")
    with pytest.raises(RegistrationRefused, match=r"b\.tif.*declared extent"):
        register(house, TileOrder(url=save_at(house, "b.tif", 8, 8)), terrain="map")
    with house.database.read() as session:
        grid = find_grid(terrains.get_terrain(session, "map"))
    assert grid is not None
    assert grid.shape == (10, 10)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"crs": "EPSG:32633"}, ("EPSG:32633", "EPSG:32632")),
        ({"transform": UTM @ Affine.scale(1.01, 1)}, ("10.1 x 10.0", "10.0 x 10.0", "drift")),
        ({"transform": UTM @ Affine.translation(0.3, 0)}, ("500033.0", "500000.0", "0.3 cells off")),
        ({"transform": UTM @ Affine.rotation(10)}, ("rotated",)),
    ],
    ids=["crs", "drift", "offset", "rotation"],
)
def test_another_grid_is_refused_naming_both_sides(house: House, how: Any, said: tuple[str, ...]) -> None:
    register(house, TileOrder(url=save_at(house, "a.tif", 0, 0)))
    reason = refusal(house, TileOrder(url=save_at(house, "b.tif", 3, 0, **how)))
    assert "b.tif" in reason
    for words in said:
        assert words in reason


def test_less_than_a_hundredth_of_a_cell_is_rounding(house: House) -> None:
    register(house, TileOrder(url=save_at(house, "a.tif", 0, 0)))
    assert places(register(house, TileOrder(url=save_at(house, "b.tif", 3.009, -0.009)))) == [(3, 0)]


def test_the_same_crs_in_other_words_is_no_other_crs(house: House) -> None:
    create_terrain(house, TerrainOrder(name="words", crs="urn:ogc:def:crs:EPSG::32632"))
    register(house, TileOrder(url=save_at(house, "a.tif", 0, 0)), terrain="words")


def test_removing_tiles_shrinks_the_terrain_to_nothing(house: House) -> None:
    orders = [TileOrder(url=save(house, f"{i}.npy", [[i]]), x=i, y=0) for i in range(3)]
    placed = register(house, *orders)
    remove_tile(house, placed.tiles[2].id)
    assert (alps(house).max_x, alps(house).tile_count, alps(house).revision) == (2, 2, 2)
    for tile in placed.tiles[:2]:
        remove_tile(house, tile.id)
    assert find_grid(alps(house)) is None


def test_an_unknown_terrain_is_told_before_any_source_is_looked_at(house: House) -> None:
    with pytest.raises(TerrainNotFound):
        register(house, TileOrder(url="missing.npy"), terrain="nowhere")


def test_progress_counts_sources(house: House) -> None:
    orders = [TileOrder(url=save(house, f"{i}.npy", [[i]]), x=i, y=0) for i in range(3)]
    steps: list[tuple[int, int]] = []
    register_tiles(house, "alps", orders, lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
