"""The metric std."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from raster.cells import CellType
from raster.metrics.interface import VALUE
from raster.metrics.std import Std
from zooming import SampleTerrain, assert_zooms_like_the_oracle, levels_of_parts, sample_terrains

FLOAT64 = CellType(np.dtype(np.float64), np.nan)


@settings(max_examples=60)
@given(sample_terrains())
def test_every_level_is_the_deviation_of_the_native_cells(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Std(), terrain)


def test_a_small_deviation_from_a_large_mean_is_not_lost() -> None:
    cells = 8000 + np.random.default_rng(1).normal(0, 0.001, (127, 129))
    reduction = Std().bind(FLOAT64, cells.size)
    for level, parts in enumerate(levels_of_parts(reduction, cells)):
        found = reduction.finish(parts)[VALUE]
        for row, col in [(0, 0), (found.shape[0] - 1, found.shape[1] - 1)]:
            block = cells[row << level : (row + 1) << level, col << level : (col + 1) << level]
            # one in a million of the deviation itself: the square of the mean has lost that by far
            assert found[row, col] == pytest.approx(float(np.std(block - 8000)), rel=1e-6)


def test_cells_that_are_all_the_same_deviate_by_nothing() -> None:
    cells = np.full((13, 7), 0.1)
    reduction = Std().bind(FLOAT64, cells.size)
    for parts in levels_of_parts(reduction, cells):
        assert not reduction.finish(parts)[VALUE].any()


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_cells_without_data_do_not_move_the_other_however_large_it_is(place: tuple[int, int]) -> None:
    cells = np.full((2, 2), np.nan)
    cells[place] = 1e300
    reduction = Std().bind(FLOAT64, 4)
    *_, top = levels_of_parts(reduction, cells)
    assert {name: array.item() for name, array in top.items()} == {"count": 1, "mean": 1e300, "m2": 0.0}


def test_the_mean_is_stored_beside_the_deviation() -> None:
    cells = np.arange(12, dtype=np.int16).reshape(3, 4)
    reduction = Std().bind(CellType(np.dtype(np.int16), None), 12)
    *_, top = levels_of_parts(reduction, cells)
    arrays = reduction.finish(top)
    assert arrays["mean"].item() == pytest.approx(5.5)
    assert arrays["count"].item() == 12
    assert [array.name for array in reduction.companions] == ["count", "mean", "m2"]
    assert reduction.companions[2].unit == "terrain squared"
