"""Which tiles of a matrix set a terrain covers: all that it lies on, none far from it, as fine as it is."""

from __future__ import annotations

import math

import morecantile
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from raster.grid import Grid
from raster.map_tiles.coverage import Coverage, MatrixLimits, _extent_on, find_coverage, get_coverage
from raster.map_tiles.errors import MatrixSetNotFound, TerrainNotOnMap
from raster.map_tiles.matrices import get_matrix_set

RHINE = Grid(height=2401, width=4801, transform=Affine(1 / 1200, 0, 7, 0, -1 / 1200, 49), crs="EPSG:4326")
ALPS = Grid(height=2100, width=2600, transform=Affine(10, 0, 500000, 0, -10, 5000000), crs="EPSG:32633")
FIJI = Grid(height=100, width=200, transform=Affine(0.01, 0, 179, 0, -0.01, -16), crs="EPSG:4326")
WORLD = Grid(height=1800, width=3600, transform=Affine(0.1, 0, -180, 0, -0.1, 90), crs="EPSG:4326")
INDIA = "+proj=tmerc +lon_0=77.5 +ellps=sphere +type=crs"
NOWHERE = Grid(height=700, width=1300)


def tiles_under(grid: Grid, name: str, z: int) -> set[tuple[int, int]]:
    """The tiles that hold the centres of some of the terrain's cells, by morecantile itself."""
    tms = morecantile.tms.get(name)
    cols, rows = np.meshgrid(np.linspace(0.5, grid.width - 0.5, 40), np.linspace(0.5, grid.height - 0.5, 40))
    ground = grid.transform
    x, y = ground.c + cols.ravel() * ground.a, ground.f + rows.ravel() * ground.e
    x, y = Transformer.from_crs(grid.crs, tms.crs.to_wkt(), always_xy=True).transform(x, y)
    found = (tms._tile(float(each_x), float(each_y), z) for each_x, each_y in zip(x, y, strict=True))
    return {(tile.x, tile.y) for tile in found}


@pytest.mark.parametrize("name", ["WebMercatorQuad", "WorldCRS84Quad", "EuropeanETRS89_LAEAQuad"])
@pytest.mark.parametrize("grid", [RHINE, ALPS], ids=["geographic", "projected"])
def test_limits_hold_every_tile_under_the_terrain_and_hardly_another(grid: Grid, name: str) -> None:
    coverage = get_coverage(grid, name)
    for limits in coverage.limits:
        under = tiles_under(grid, name, limits.z)
        cols, rows = {col for col, _ in under}, {row for _, row in under}
        assert limits.min_col <= min(cols) <= limits.min_col + 1
        assert limits.max_col >= max(cols) >= limits.max_col - 1
        assert limits.min_row <= min(rows) <= limits.min_row + 1
        assert limits.max_row >= max(rows) >= limits.max_row - 1


@pytest.mark.parametrize("name", ["EuropeanETRS89_LAEAQuad", "UPSArcticWGS84Quad"])
def test_an_edge_that_is_bent_on_the_map_lies_within_the_extent(name: str) -> None:
    wide = Grid(height=700, width=1000, transform=Affine(0.05, 0, -11, 0, -0.05, 70), crs="EPSG:4326")
    extent = _extent_on(get_matrix_set(name), wide)
    assert extent is not None
    lon, lat = np.linspace(-11, 39, 5000), np.linspace(35, 70, 5000)
    edges = [(lon, 0 * lat + 35), (lon, 0 * lat + 70), (0 * lon - 11, lat), (0 * lon + 39, lat)]
    to_map = Transformer.from_crs("EPSG:4326", get_matrix_set(name).crs, always_xy=True)
    for edge_lon, edge_lat in edges:
        x, y = to_map.transform(edge_lon, edge_lat)
        assert extent.left <= x.min()
        assert x.max() <= extent.right
        assert extent.bottom <= y.min()
        assert y.max() <= extent.top
    assert extent.right - extent.left < 6e6


@given(
    left=st.floats(-179, 170),
    top=st.floats(-70, 80),
    cell=st.floats(1e-4, 5e-2),
    height=st.integers(1, 300),
    width=st.integers(1, 300),
)
@settings(max_examples=60)
def test_limits_in_web_mercator_hold_the_corners(
    left: float, top: float, cell: float, height: int, width: int
) -> None:
    grid = Grid(height=height, width=width, transform=Affine(cell, 0, left, 0, -cell, top), crs="EPSG:4326")
    coverage = get_coverage(grid, "WebMercatorQuad")
    right, bottom = left + cell * width, top - cell * height
    finest = coverage.limits[-1]
    for lon, lat in ((left, top), (right, bottom)):
        if right < 180:
            x = (lon + 180) / 360 * 2**finest.z
            y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**finest.z
            assert finest.min_col <= x <= finest.max_col + 1
            assert finest.min_row <= y <= finest.max_row + 1


@pytest.mark.parametrize(
    ("grid", "name", "zoom"),
    [
        # cells of 92.77 m and 138.7 m on the map; zoom 11 has 76.4 m
        (RHINE, "WebMercatorQuad", 11),
        (RHINE, "WorldCRS84Quad", 10),
        (ALPS, "WebMercatorQuad", 14),
        (WORLD, "WebMercatorQuad", 4),
    ],
)
def test_the_last_zoom_is_the_first_as_fine_as_the_terrain(grid: Grid, name: str, zoom: int) -> None:
    assert get_coverage(grid, name).max_zoom == zoom


@pytest.mark.parametrize("rounding", [0, 1e-12, -1e-12])
def test_a_zoom_that_is_exactly_as_fine_is_the_last(rounding: float) -> None:
    cell = 360 / 256 / 2**5 * (1 + rounding)
    grid = Grid(height=40, width=40, transform=Affine(cell, 0, 10, 0, -cell, 50), crs="OGC:CRS84")
    assert get_coverage(grid, "WorldCRS84Quad").max_zoom == 4


@pytest.mark.parametrize("name", ["WebMercatorQuad", "WorldCRS84Quad"])
@pytest.mark.parametrize("turns", [-360, 0, 360])
def test_a_terrain_across_the_antimeridian_has_all_columns_and_its_own_rows(name: str, turns: int) -> None:
    moved = Affine.translation(turns, 0) @ FIJI.transform
    coverage = get_coverage(Grid(height=100, width=200, transform=moved, crs="EPSG:4326"), name)
    finest = coverage.limits[-1]
    assert finest.min_col == 0
    assert finest.max_col == 2**finest.z * (2 if name == "WorldCRS84Quad" else 1) - 1
    assert finest.max_row - finest.min_row < 3


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_a_terrain_that_ends_at_the_antimeridian_does_not_cross_it(crs: str) -> None:
    edge = 180.0 if crs == "EPSG:4326" else 20037508.342789244
    cell = edge / 1800
    place = Affine(cell, 0, edge - 100 * cell, 0, -cell, 300 * cell)
    coverage = get_coverage(Grid(height=100, width=100, transform=place, crs=crs), "WebMercatorQuad")
    finest = coverage.limits[-1]
    assert finest.max_col == 2**finest.z - 1
    assert finest.min_col == math.floor((1 - 50 / 1800) * 2**finest.z)


@pytest.mark.parametrize("rounding", [0, 1e-11, -1e-11])
def test_a_terrain_that_begins_at_the_antimeridian_does_not_cross_it(rounding: float) -> None:
    place = Affine(0.1, 0, -180 + rounding, 0, -0.1, 10)
    finest = get_coverage(Grid(height=100, width=100, transform=place, crs="EPSG:4326"), "WebMercatorQuad")
    last = finest.limits[-1]
    assert (last.min_col, last.max_col) == (0, math.floor(10 / 360 * 2**last.z))


def test_a_terrain_beyond_180_degrees_has_the_columns_of_where_it_is() -> None:
    near = Grid(height=10, width=10, transform=Affine(0.1, 0, 190, 0, -0.1, 10), crs="EPSG:4326")
    same = Grid(height=10, width=10, transform=Affine(0.1, 0, -170, 0, -0.1, 10), crs="EPSG:4326")
    assert get_coverage(near, "WebMercatorQuad") == get_coverage(same, "WebMercatorQuad")


def test_the_globe_has_all_tiles_poles_and_all() -> None:
    for limits in get_coverage(WORLD, "WebMercatorQuad").limits:
        last = 2**limits.z - 1
        assert (limits.min_col, limits.max_col, limits.min_row, limits.max_row) == (0, last, 0, last)


def test_a_terrain_beyond_a_map_is_refused_with_a_way_out() -> None:
    assert find_coverage(RHINE, "NZTM2000Quad") is None
    with pytest.raises(TerrainNotOnMap, match="native"):
        get_coverage(RHINE, "NZTM2000Quad")


def test_where_proj_has_no_answer_all_tiles_may_be_asked_for() -> None:
    india = Grid(height=20, width=30, transform=Affine(0.1, 0, 7, 0, -0.1, 48), crs=INDIA)
    found = find_coverage(india, "NZTM2000Quad")
    assert found is not None
    assert found.limits[1] == MatrixLimits(z=1, min_col=0, max_col=1, min_row=0, max_row=1)


def test_a_terrain_without_crs_has_its_own_matrix_only() -> None:
    with pytest.raises(TerrainNotOnMap, match="native"):
        get_coverage(NOWHERE, "WebMercatorQuad")
    assert find_coverage(NOWHERE, "WebMercatorQuad") is None
    native = get_coverage(NOWHERE, "native")
    assert (native.min_zoom, native.max_zoom) == (0, 11)
    assert [(each.max_col + 1, each.max_row + 1) for each in native.limits[-3:]] == [(2, 1), (3, 2), (6, 3)]
    assert isinstance(native, Coverage)


def test_a_set_that_there_is_not_is_refused() -> None:
    with pytest.raises(MatrixSetNotFound):
        get_coverage(RHINE, "Nope")
