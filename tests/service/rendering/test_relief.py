"""Hillshade and slope: against a literal Horn, a gdaldem, and planes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pictures import indices_of
from service.rendering.heights import Heights
from service.rendering.pictures import render
from service.rendering.relief import gradient_of, shade_of, slope_of
from service.rendering.style_words import parse_style
from service.rendering.styles import Hillshade

LIGHT = Hillshade()


def heights(values: Any, height_m: Any = 30.0, width_m: Any = 30.0, **more: Any) -> Heights:
    array = np.asarray(values, dtype=np.float64)
    valid = more.pop("valid", np.ones(array.shape, dtype=bool))
    return Heights(
        values=array,
        valid=valid,
        cell_height_m=height_m,
        cell_width_m=width_m,
        low=None,
        high=None,
        unit=more.pop("unit", "m"),
    )


def horn(values: NDArray[Any], row: int, col: int, height_m: float, width_m: float) -> tuple[float, float]:
    """Horn's formula cell by cell, as textbooks letter it: a b c / d e f / g h i."""
    a, b, c, d, _, f, g, h, i = values[row - 1 : row + 2, col - 1 : col + 2].ravel().tolist()
    east = ((c + 2 * f + i) - (a + 2 * d + g)) / (8 * width_m)
    south = ((g + 2 * h + i) - (a + 2 * b + c)) / (8 * height_m)
    return east, south


def shade_by_angles(east: float, south: float, azimuth: float, altitude: float) -> float:
    """The textbook's hillshade: by slope and aspect, not by vectors."""
    slope = math.atan(math.hypot(east, south))
    downhill = math.atan2(-east, south)  # clockwise from north
    zenith = math.radians(90 - altitude)
    return math.cos(zenith) * math.cos(slope) + math.sin(zenith) * math.sin(slope) * math.cos(
        math.radians(azimuth) - downhill
    )


@given(
    values=arrays(
        np.float64, st.tuples(st.integers(3, 7), st.integers(3, 7)), elements=st.floats(-500, 9000)
    ),
    azimuth=st.floats(0, 360),
    altitude=st.floats(0, 90),
    height_m=st.floats(0.5, 500),
    width_m=st.floats(0.5, 500),
)
def test_shade_and_slope_are_those_of_horn(
    values: NDArray[Any], azimuth: float, altitude: float, height_m: float, width_m: float
) -> None:
    gradient = gradient_of(heights(values, height_m, width_m))
    shade = shade_of(gradient, Hillshade(azimuth=azimuth, altitude=altitude))
    slope = slope_of(gradient)
    for row in range(1, values.shape[0] - 1):
        for col in range(1, values.shape[1] - 1):
            east, south = horn(values, row, col, height_m, width_m)
            assert shade[row - 1, col - 1] == pytest.approx(
                shade_by_angles(east, south, azimuth, altitude), abs=1e-3
            )
            expected = math.degrees(math.atan(math.hypot(east, south)))
            assert slope[row - 1, col - 1] == pytest.approx(expected, abs=1e-3)


def test_float32_has_digits_enough_at_half_a_metre() -> None:
    values = 8000 + np.random.default_rng(0).uniform(0, 3, (40, 40)).astype(np.float32)
    exact = shade_of(gradient_of(heights(values, 0.5, 0.5)), LIGHT)
    single = Heights(
        values=values,
        valid=np.ones(values.shape, dtype=bool),
        cell_height_m=0.5,
        cell_width_m=np.full(40, 0.5),
        low=None,
        high=None,
        unit="m",
    )
    shade = shade_of(gradient_of(single), LIGHT)
    assert shade.dtype == np.float32
    np.testing.assert_allclose(shade, exact, atol=1e-3)


def plane(rows: NDArray[Any], cols: NDArray[Any]) -> NDArray[Any]:
    return 1000 + 4.0 * rows[:, np.newaxis] - 7.0 * cols[np.newaxis, :]


@pytest.mark.parametrize("text", ["hillshade", "hillshade;azimuth=200;altitude=20", "slope"])
def test_a_tilted_plane_has_one_colour_across_tiles(text: str) -> None:
    tiles = [
        indices_of(
            render(
                parse_style(text),
                heights(plane(np.arange(row - 1, row + 65), np.arange(col - 1, col + 65))),
                "png",
            )
        )
        for row in (0, 64)
        for col in (0, 64)
    ]
    assert len(np.unique(np.stack(tiles))) == 1
    assert tiles[0].shape == (64, 64)


@pytest.mark.parametrize("text", ["hillshade", "slope"])
def test_a_plane_stays_one_up_to_the_edge_of_the_terrain(text: str) -> None:
    values = plane(np.arange(34), np.arange(34))
    valid = np.zeros(values.shape, dtype=bool)
    valid[1:-1, 1:-1] = True  # as in a tile at the terrain's corner: nothing lies in the halo
    valid[10:14, 8:20] = False
    values[~valid] = np.nan
    indices = indices_of(render(parse_style(text), heights(values, valid=valid), "png"))
    assert len(np.unique(indices[valid[1:-1, 1:-1]])) == 1


def test_holes_change_the_cells_beside_them_only() -> None:
    values = np.random.default_rng(5).uniform(0, 100, (30, 30))
    valid = np.ones(values.shape, dtype=bool)
    valid[12, 17] = False
    full, holed = (gradient_of(heights(values, valid=each)) for each in (np.ones_like(valid), valid))
    differs = ~np.isclose(full.east, holed.east) | ~np.isclose(full.south, holed.south)
    rows, cols = np.nonzero(differs)
    assert set(rows) <= {10, 11, 12}
    assert set(cols) <= {15, 16, 17}


def test_a_lone_cell_is_level() -> None:
    valid = np.zeros((3, 3), dtype=bool)
    valid[1, 1] = True
    gradient = gradient_of(heights(np.full((3, 3), 700.0), valid=valid))
    assert (gradient.east.item(), gradient.south.item()) == (0, 0)


def test_the_true_size_of_cells_matters() -> None:
    values = np.random.default_rng(3).uniform(0, 20, (20, 20))
    fine, coarse = (shade_of(gradient_of(heights(values, side, side)), LIGHT) for side in (3.8, 380.0))
    assert abs(fine - coarse).max() > 0.3
    # 100 times as wide is 100 times as flat
    exaggerated = shade_of(gradient_of(heights(values, 380.0, 380.0), 100.0), LIGHT)
    np.testing.assert_allclose(exaggerated, fine, atol=1e-12)


def test_each_row_has_its_own_size() -> None:
    values = np.tile(np.arange(6.0) * 10, (5, 1))
    widths = np.array([10.0, 20.0, 40.0, 80.0, 160.0])
    east = gradient_of(heights(values, 30.0, widths)).east
    np.testing.assert_allclose(east[:, 0], [10 / 20, 10 / 40, 10 / 80])


@pytest.mark.parametrize(("unit", "metres"), [("ft", 0.3048), ("km", 1000.0), (None, 1.0)])
def test_heights_in_another_unit_are_converted(unit: str | None, metres: float) -> None:
    values = np.random.default_rng(4).uniform(0, 20, (8, 8))
    given, converted = gradient_of(heights(values, unit=unit)), gradient_of(heights(values * metres))
    np.testing.assert_allclose(given.east, converted.east)
    np.testing.assert_allclose(given.south, converted.south)


def test_light_falls_from_where_the_azimuth_says() -> None:
    faces_west = heights(np.tile(np.arange(3.0) * 30, (3, 1)))  # rises to the east by one in one
    lit, dark = (
        shade_of(gradient_of(faces_west), Hillshade(azimuth=azimuth, altitude=45)).item()
        for azimuth in (270.0, 90.0)
    )
    assert lit == pytest.approx(1)
    assert dark == pytest.approx(0, abs=1e-12)
