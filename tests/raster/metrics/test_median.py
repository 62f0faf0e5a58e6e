"""The metric median."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from raster.cells import CellType
from raster.metrics.interface import VALUE
from raster.metrics.median import Median
from zooming import SampleTerrain, assert_zooms_like_the_oracle, sample_terrains


@settings(max_examples=80)
@given(sample_terrains())
def test_every_level_is_the_median_of_the_level_below(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Median(), terrain)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([[1, 9], [2, 4]], 3.0),
        ([[1, 9], [2, 0]], 2.0),
        ([[9, 1], [0, 2]], 2.0),
        ([[1, 0], [0, 4]], 2.5),
        ([[0, 0], [0, 4]], 4.0),
        ([[0, 0], [0, 0]], np.nan),
    ],
)
def test_nodata_leaves_the_median_to_the_others(cells: list[list[int]], expected: float) -> None:
    reduction = Median().bind(CellType(np.dtype(np.uint8), 0), 4)
    found = reduction.finish(reduction.zoom(reduction.lift(np.array(cells, np.uint8))))[VALUE]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[expected]])


def test_the_middle_between_two_huge_cells_is_no_infinity() -> None:
    huge = np.finfo(np.float64).max
    reduction = Median().bind(CellType(np.dtype(np.float64), np.nan), 2)
    assert reduction.zoom(reduction.lift(np.array([[huge, huge]])))[VALUE].tolist() == [[huge]]


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_lifting_leaves_the_cells_as_they_are(dtype: type[np.generic]) -> None:
    nodata = -1 if np.dtype(dtype).kind == "i" else np.nan
    cells = np.array([[1, -1], [3, 4]], dtype)
    Median().bind(CellType(np.dtype(dtype), nodata), 4).lift(cells)
    assert cells.tolist() == [[1, -1], [3, 4]]
