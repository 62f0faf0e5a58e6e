"""True sizes of cells, compared with lengths on the ellipsoid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from affine import Affine

from raster.grid import Grid
from raster.map_tiles.ground_sizes import measure_cells, of_same_rows

A, E2 = 6_378_137.0, 0.00669437999014


def along_meridian(latitude: float) -> float:
    """Metres of one radian."""
    return A * (1 - E2) * math.pow(1 - E2 * math.sin(latitude) ** 2, -1.5)


def along_parallel(latitude: float) -> float:
    return A * math.cos(latitude) / math.sqrt(1 - E2 * math.sin(latitude) ** 2)


@pytest.mark.parametrize("top", [0.2, 47.0, 80.0, -60.0])
def test_cells_of_degrees(top: float) -> None:
    cell = 1 / 120
    sizes = measure_cells(
        Grid(height=258, width=258, transform=Affine(cell, 0, 8, 0, -cell, top), crs="EPSG:4326"),
    )
    for row in (0, 100, 257):
        latitude = math.radians(top - (row + 0.5) * cell)
        assert sizes.heights[row] == pytest.approx(along_meridian(latitude) * math.radians(cell), rel=1e-5)
        assert sizes.widths[row] == pytest.approx(along_parallel(latitude) * math.radians(cell), rel=1e-3)


def test_cells_of_mercator() -> None:
    cell, top = 30.0, 6_000_000.0
    sizes = measure_cells(
        Grid(height=256, width=256, transform=Affine(cell, 0, 1e6, 0, -cell, top), crs="EPSG:3857"),
    )
    latitude = math.atan(math.sinh((top - 128 * cell) / A))
    assert sizes.widths[128] == pytest.approx(cell * along_parallel(latitude) / A, rel=1e-5)
    assert sizes.heights[128] == pytest.approx(
        cell * along_meridian(latitude) * math.cos(latitude) / A, rel=1e-4
    )


def test_cells_of_utm_are_nearly_what_they_say_and_others_are_just_that() -> None:
    transform = Affine(30, 0, 500_000, 0, -30, 5_500_000)
    utm = measure_cells(Grid(height=9, width=9, transform=transform, crs="EPSG:32632"))
    assert utm.widths == pytest.approx(np.full(9, 30 / 0.9996), rel=1e-4)
    assert utm.heights == pytest.approx(np.full(9, 30 / 0.9996), rel=1e-4)
    without = measure_cells(Grid(height=9, width=9, transform=transform))
    assert (without.widths == 30).all()
    assert (without.heights == 30).all()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3395"])
def test_of_cylindrical_maps_all_columns_share_the_sizes_of_their_rows(crs: str) -> None:
    cell = 0.01 if crs == "EPSG:4326" else 900.0
    tiles = [
        Grid(height=20, width=20, transform=Affine(cell, 0, col * cell, 0, -cell, 45 * cell), crs=crs)
        for col in (-40, 3000)
    ]
    one, other = (of_same_rows(tile) for tile in tiles)
    assert one == other
    for tile in tiles:
        shared, own = measure_cells(one), measure_cells(tile)
        assert shared.widths == pytest.approx(own.widths, rel=1e-9)
        assert shared.heights == pytest.approx(own.heights, rel=1e-9)


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:3035", None])
def test_of_other_maps_each_tile_has_its_own(crs: str | None) -> None:
    grid = Grid(height=9, width=9, transform=Affine(30, 0, 7e5, 0, -30, 5.5e6), crs=crs)
    assert of_same_rows(grid) == grid
