"""Tiles of a pyramid's own matrix are slices of its levels, whether it lies somewhere or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from map_tiles import MappedTerrain, make_mapped
from raster.grid import Grid
from raster.map_tiles.errors import MapTileNotFound
from raster.map_tiles.matrices import NATIVE, TileAddress
from raster.map_tiles.reading import MapTile, TileAsked, read_map_tile

HEIGHT, WIDTH = 601, 333
TRANSFORM = Affine(2, 0, 10, 0, -2, 50)


@pytest.fixture(scope="module", params=[None, "EPSG:32632"])
def terrain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MappedTerrain:
    cells = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.int32)
    cells[300:420, 100:] = -1
    folder = tmp_path_factory.mktemp("native")
    return make_mapped(folder, cells, TRANSFORM, request.param, nodata=-1)


def read(terrain: MappedTerrain, address: TileAddress, side: int = 256, halo: int = 0) -> MapTile:
    asked = TileAsked(matrix_set=NATIVE, address=address, side=side, halo=halo, smooth="always")
    return read_map_tile(terrain.mapped, asked)


def padded(level: np.ndarray, row: int, col: int, side: int) -> np.ndarray:
    """A square of a level, with -1 where it sticks out."""
    frame = 600
    wide = np.pad(level, frame, constant_values=-1)
    return wide[frame + row : frame + row + side, frame + col : frame + col + side]


@given(st.data())
@settings(max_examples=60)
def test_tiles_are_slices_of_levels(terrain: MappedTerrain, data: st.DataObject) -> None:
    count = terrain.grid.level_count
    z = data.draw(st.integers(0, count - 1))
    level = terrain.grid.level(count - 1 - z)
    x = data.draw(st.integers(0, (level.width - 1) // 256))
    y = data.draw(st.integers(0, (level.height - 1) // 256))
    halo, twice = data.draw(st.integers(0, 2)), data.draw(st.booleans())
    tile = read(terrain, TileAddress(z, x, y), 512 if twice else 256, halo)
    if not twice:
        cells = padded(terrain.level(count - 1 - z), y * 256 - halo, x * 256 - halo, 256 + 2 * halo)
    elif z < count - 1:
        cells = padded(terrain.level(count - 2 - z), y * 512 - halo, x * 512 - halo, 512 + 2 * halo)
    else:
        repeated = terrain.level(0).repeat(2, 0).repeat(2, 1)
        cells = padded(repeated, y * 512 - halo, x * 512 - halo, 512 + 2 * halo)
    assert tile.values.dtype == np.int32
    assert np.array_equal(tile.values, cells)
    assert np.array_equal(tile.valid, cells != -1)
    assert tile.grid == expected_grid(terrain, z, x, y, halo, twice=twice)


def expected_grid(terrain: MappedTerrain, z: int, x: int, y: int, halo: int, *, twice: bool) -> Grid:
    cell = 2.0 * 2 ** (terrain.grid.level_count - 1 - z)
    left, top = 10 + x * 256 * cell, 50 - y * 256 * cell
    side, cell = (512, cell / 2) if twice else (256, cell)
    transform = Affine(cell, 0, left - halo * cell, 0, -cell, top + halo * cell)
    return Grid(height=side + 2 * halo, width=side + 2 * halo, transform=transform, crs=terrain.grid.crs)


@pytest.mark.parametrize(("z", "x", "y"), [(11, 0, 0), (10, 2, 0), (10, 0, 3), (0, 1, 0), (0, 0, 1)])
def test_there_are_as_many_tiles_as_the_level_needs(terrain: MappedTerrain, z: int, x: int, y: int) -> None:
    assert terrain.grid.level_count == 11
    with pytest.raises(MapTileNotFound):
        read(terrain, TileAddress(z, x, y))
    with pytest.raises(MapTileNotFound):
        read(terrain, TileAddress(z, x, y), 512)


def test_a_terrain_without_nodata_is_all_valid_where_it_is(tmp_path: Path) -> None:
    terrain = make_mapped(tmp_path, np.full((3, 5), 7, np.uint8), TRANSFORM, None)
    tile = read(terrain, TileAddress(3, 0, 0))
    assert tile.valid.sum() == 15
    assert (tile.values[:3, :5] == 7).all()
    assert (tile.values[~tile.valid] == 255).all()
