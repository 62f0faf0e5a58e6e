"""The metric mode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from raster.cells import CellType
from raster.metrics.interface import VALUE
from raster.metrics.mode import Mode
from zooming import SampleTerrain, assert_zooms_like_the_oracle, sample_terrains


@settings(max_examples=80)
@given(sample_terrains())
def test_every_level_is_the_mode_of_the_level_below(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Mode(), terrain)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([[5, 9], [9, 2]], 9),
        ([[5, 9], [3, 2]], 2),
        ([[5, 5], [2, 2]], 2),
        ([[0, 0], [0, 7]], 7),
        ([[0, 9], [0, 7]], 7),
        ([[0, 0], [0, 0]], 0),
    ],
)
def test_the_most_frequent_valid_cell_wins_and_the_lowest_of_equals(
    cells: list[list[int]], expected: int
) -> None:
    reduction = Mode().bind(CellType(np.dtype(np.uint8), 0), 4)
    found = reduction.finish(reduction.zoom(reduction.lift(np.array(cells, np.uint8))))[VALUE]
    assert found.tolist() == [[expected]]


def test_cells_that_the_edge_cuts_off_are_none_even_without_nodata() -> None:
    reduction = Mode().bind(CellType(np.dtype(np.int16), None), 1)
    lowest = np.iinfo(np.int16).min
    assert reduction.zoom({VALUE: np.array([[5], [lowest], [7]], np.int16)})[VALUE].tolist() == [
        [lowest],
        [7],
    ]
