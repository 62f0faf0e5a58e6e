"""Points along lines: evenly spaced on the ground, on the line, from end to end."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from raster.grid import Grid
from raster.places import Ground
from raster.profiles import Samples, distance_unit, sample_line

WGS84 = Geod(ellps="WGS84")
DEGREES = Grid(height=10, width=10, transform=Affine(1, 0, 5, 0, -1, 50), crs="EPSG:4326")
METRES = Grid(height=10, width=10, transform=Affine(10, 0, 5, 0, -10, 50), crs="EPSG:32632")
BARE = Grid(height=10, width=10)

lines = st.lists(st.tuples(st.floats(-60, 60), st.floats(-60, 60)), min_size=2, max_size=6)


def sampled(grid: Grid, line: list[tuple[float, float]], count: int) -> Samples:
    xs, ys = np.array(line, float).T
    return sample_line(grid, Ground(xs, ys), count)


@given(line=lines, count=st.integers(2, 50))
def test_samples_on_a_map_lie_evenly_on_the_line(line: list[tuple[float, float]], count: int) -> None:
    found = sampled(METRES, line, count)
    length = sum(math.dist(a, b) for a, b in pairwise(line))
    np.testing.assert_allclose(found.distances, [length * i / (count - 1) for i in range(count)], atol=1e-9)
    for x, y, distance in zip(found.ground.xs, found.ground.ys, found.distances, strict=True):
        assert math.dist((x, y), on_line(line, distance)) < 1e-6


def on_line(line: list[tuple[float, float]], distance: float) -> tuple[float, float]:
    """Walk along the line."""
    for (x, y), (next_x, next_y) in pairwise(line):
        leg = math.dist((x, y), (next_x, next_y))
        if leg >= distance and leg > 0:
            return x + (next_x - x) * distance / leg, y + (next_y - y) * distance / leg
        distance -= leg
    return line[-1]


@given(line=lines, count=st.integers(2, 30))
def test_samples_on_the_globe_lie_evenly_on_geodesics(line: list[tuple[float, float]], count: int) -> None:
    found = sampled(DEGREES, line, count)
    lons, lats = zip(*line, strict=True)
    assert math.isclose(found.distances[-1], WGS84.line_length(lons, lats), abs_tol=1e-3)
    np.testing.assert_allclose(np.diff(found.distances), found.distances[-1] / (count - 1), atol=1e-3)
    if len(line) == 2:
        ends = np.full(count, lons[0]), np.full(count, lats[0])
        _, _, from_start = WGS84.inv(*ends, found.ground.xs, found.ground.ys)
        np.testing.assert_allclose(from_start, found.distances, atol=1e-3)
    assert math.isclose(found.ground.xs[0], line[0][0], abs_tol=1e-9)
    assert math.isclose(found.ground.xs[-1], line[-1][0], abs_tol=1e-7)
    assert math.isclose(found.ground.ys[-1], line[-1][1], abs_tol=1e-7)


def test_a_line_across_the_antimeridian_is_the_short_one() -> None:
    found = sampled(DEGREES, [(179.5, 0.0), (-179.5, 0.0)], 3)
    assert math.isclose(found.distances[-1], 111_319.49, abs_tol=0.01)
    assert math.isclose(abs(found.ground.xs[1]), 180.0, abs_tol=1e-9)


@pytest.mark.parametrize("grid", [DEGREES, METRES, BARE], ids=["degrees", "metres", "bare"])
def test_a_line_without_length_has_all_samples_in_one_place(grid: Grid) -> None:
    found = sampled(grid, [(7.0, 47.0)] * 3, 4)
    assert found.distances.tolist() == [0.0] * 4
    np.testing.assert_allclose(found.ground.xs, 7.0)
    np.testing.assert_allclose(found.ground.ys, 47.0)


def test_gradians_are_measured_in_metres_too() -> None:
    """NTF (Paris) counts 400 to a turn."""
    grads = Grid(height=10, width=10, crs="EPSG:4807")
    found = sampled(grads, [(0.0, 50.0), (0.0, 51.0)], 2)
    clarke = Geod(ellps="clrk80ign")
    assert math.isclose(found.distances[-1], clarke.inv(0, 45, 0, 45.9)[2], rel_tol=1e-6)
    assert math.isclose(found.ground.ys[-1], 51.0, abs_tol=1e-9)


def test_units_of_distances() -> None:
    units = [
        distance_unit(each) for each in (DEGREES, METRES, BARE, Grid(height=1, width=1, crs="EPSG:2263"))
    ]
    assert units == ["metre", "metre", None, "US survey foot"]
