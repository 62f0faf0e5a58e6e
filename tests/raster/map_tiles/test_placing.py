"""What a map tile's places cost: PROJ is asked for a few of its 65,536 cells."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from raster.grid import Grid
from raster.map_tiles.ground import CellFinder, around_globe, make_finder
from raster.map_tiles.matrices import TileAddress, get_matrix_set
from raster.map_tiles.placing import TOLERANCE, TilePlaces, part_on_terrain, place_cells

UTM = Grid(height=100_000, width=100_000, transform=Affine(10, 0, 0, 0, -10, 6_000_000), crs="EPSG:32632")
GLOBE = Grid(
    height=21_600, width=43_200, transform=Affine(1 / 120, 0, -180, 0, -1 / 120, 90), crs="EPSG:4326"
)
EUROPE = Grid(height=6000, width=6000, transform=Affine(1 / 240, 0, -7.5, 0, -1 / 240, 62.5), crs="EPSG:4326")


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many places each look for cells asked for."""
    asked, find = list[int](), CellFinder.find

    def counted(self: CellFinder, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(np.size(x))
        return find(self, x, y)

    monkeypatch.setattr(CellFinder, "find", counted)
    return asked


def place(grid: Grid, matrix_set: str, address: TileAddress, level: int) -> TilePlaces:
    tiles = get_matrix_set(matrix_set)
    tile = tiles.tile(address)
    finder = make_finder(tiles.crs, grid)
    window = part_on_terrain(tile, finder)
    assert window is not None
    assert window.shape == tile.grid.shape
    return place_cells(tile, window, finder, level)


@pytest.mark.parametrize(
    ("grid", "matrix_set", "address", "level", "most"),
    [
        (UTM, "WebMercatorQuad", TileAddress(14, 8536, 5662), 0, 17**2),
        (UTM, "WebMercatorQuad", TileAddress(11, 1067, 707), 2, 17**2 + 33**2),
        (UTM, "WebMercatorQuad", TileAddress(8, 133, 88), 5, 17**2 + 65**2),
        (GLOBE, "WebMercatorQuad", TileAddress(3, 4, 2), 1, 17**2 + 2 * 256),
        (GLOBE, "WebMercatorQuad", TileAddress(0, 0, 0), 4, 17**2 + 2 * 256),
        # the antimeridian runs through it
        (GLOBE, "NZTM2000Quad", TileAddress(6, 34, 32), 0, 17**2 + 65**2),
        # along neither axis alone 17 nodes are too far apart
        (EUROPE, "EuropeanETRS89_LAEAQuad", TileAddress(6, 27, 35), 0, 17**2 + 33**2),
    ],
)
def test_proj_is_asked_for_few_places(
    points: list[int], grid: Grid, matrix_set: str, address: TileAddress, level: int, most: int
) -> None:
    found = place(grid, matrix_set, address, level)
    assert sum(points) <= most
    # and they are right nevertheless
    tile = get_matrix_set(matrix_set).tile(address)
    finder = make_finder(tile.crs, grid)
    col, row = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    cols, rows = finder.find(tile.x(col), tile.y(row))
    off = cols / 2**level - found.cols.places
    if found.turn is not None:
        off -= np.round(off / found.turn) * found.turn
    assert np.abs(off).max() <= TOLERANCE
    assert np.abs(rows / 2**level - found.rows.places).max() <= TOLERANCE


@pytest.mark.parametrize(
    ("crs", "around"),
    [
        ("EPSG:4326", 360.0),
        ("EPSG:4807", 400.0),  # in grads
        ("EPSG:3857", 40_075_016.6856),
        ("EPSG:3395", 40_075_016.6856),
        ("EPSG:3832", 40_075_016.6856),
        ("EPSG:4087", 40_075_016.6856),
        ("EPSG:32632", None),
        ("EPSG:3035", None),
        ("EPSG:3413", None),
        ("EPSG:3375", None),  # oblique Mercator
    ],
)
def test_some_maps_come_round_again(crs: str, around: float | None) -> None:
    found = around_globe(crs)
    assert found == (None if around is None else pytest.approx(around, rel=1e-6))
