"""Catalogue rows as grids and windows."""

from __future__ import annotations

import pytest
from affine import Affine

from catalog.models import Generation
from raster.errors import TerrainEmpty
from raster.grid import Window
from rows import BOX, make_terrain, make_tile
from service.terrain_grids import (
    anchor_of,
    cell_type_of,
    encoding_of,
    find_grid,
    get_grid,
    grid_of,
    tile_window,
    window_of,
)

DECLARED = {"declared_x": 1, "declared_y": 2, "declared_width": 3, "declared_height": 4}


def test_a_terrain_is_the_box_around_its_tiles() -> None:
    assert window_of(make_terrain(**BOX)) == Window(row=10, col=-2, height=3, width=7)


def test_a_declared_extent_comes_before_the_box() -> None:
    assert window_of(make_terrain(**BOX, **DECLARED)) == Window(row=2, col=1, height=4, width=3)


def test_a_terrain_without_either_has_no_grid() -> None:
    assert find_grid(make_terrain()) is None
    with pytest.raises(TerrainEmpty, match="alps"):
        get_grid(make_terrain())


def test_a_declared_extent_without_tiles_is_a_grid_but_no_cells() -> None:
    assert find_grid(make_terrain(**DECLARED)) is not None
    with pytest.raises(TerrainEmpty):
        get_grid(make_terrain(**DECLARED))


def test_the_grid_begins_at_the_upper_left_cell_on_the_ground() -> None:
    terrain = make_terrain(**BOX, anchor_transform=[10.0, 0.0, 500.0, 0.0, -10.0, 900.0], crs="EPSG:32632")
    grid = get_grid(terrain)
    assert grid.transform.almost_equals(Affine(10, 0, 480, 0, -10, 800))
    assert (grid.shape, grid.crs) == ((3, 7), "EPSG:32632")


def test_without_georeferencing_a_cell_is_one_unit_and_y_grows_down() -> None:
    grid = get_grid(make_terrain(**BOX))
    assert anchor_of(make_terrain()).transform is None
    assert (grid.extent.left, grid.extent.right) == (-2, 5)
    assert abs(grid.extent.top - grid.extent.bottom) == 3


def test_a_tiles_window_is_rows_y_and_columns_x() -> None:
    assert tile_window(make_tile(x=7, y=-1)) == Window(row=-1, col=7, height=3, width=4)


def test_a_tiles_encoding_is_what_was_registered() -> None:
    encoding = encoding_of(make_tile(dtype="uint8", nodata=255, scale=0.5, offset=10.0))
    assert (encoding.dtype, encoding.nodata, encoding.scale, encoding.offset) == ("uint8", 255, 0.5, 10.0)


def test_a_generation_keeps_its_own_grid_and_type() -> None:
    generation = Generation(
        height=3, width=4, transform=[2.0, 0.0, 1.0, 0.0, -2.0, 9.0], crs=None, dtype="int16", nodata=-1
    )
    assert grid_of(generation).transform == Affine(2, 0, 1, 0, -2, 9)
    assert grid_of(generation).shape == (3, 4)
    assert (cell_type_of(generation).dtype.name, cell_type_of(generation).nodata) == ("int16", -1)
