"""The metric sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from raster.cells import CellType
from raster.metrics.interface import VALUE
from raster.metrics.sum import Sum, sum_dtype
from zooming import SampleTerrain, assert_zooms_like_the_oracle, levels_of_parts, sample_terrains


@settings(max_examples=60)
@given(sample_terrains())
def test_every_level_is_the_sum_of_the_native_cells(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Sum(), terrain)


def test_a_sum_of_zero_is_not_nodata() -> None:
    base = CellType(np.dtype(np.int16), 0)
    reduction = Sum().bind(base, 4)
    top = reduction.finish(list(levels_of_parts(reduction, np.array([[5, -5], [0, 0]], np.int16)))[-1])
    assert top[VALUE].tolist() == [[0]]


def test_a_block_without_data_is_nodata_and_not_zero() -> None:
    reduction = Sum().bind(CellType(np.dtype(np.int16), -1), 4)
    top = reduction.finish(list(levels_of_parts(reduction, np.full((2, 2), -1, np.int16)))[-1])
    assert top[VALUE].tolist() == [[np.iinfo(np.int64).min]]
    assert reduction.value.nodata == np.iinfo(np.int64).min


@pytest.mark.parametrize(
    ("dtype", "cell_count", "expected"),
    [
        ("int8", 10**12, "int64"),
        ("uint16", 10**12, "int64"),
        ("int32", 2**32 - 1, "int64"),
        ("int32", 2**32, "float64"),
        ("uint32", 2**31 - 1, "int64"),
        ("uint32", 2**31, "float64"),
        ("int64", 2**31 - 1, "int64"),
        ("int64", 2**31, "float64"),
        ("float32", 1, "float64"),
        ("float64", 1, "float64"),
    ],
)
def test_sums_are_int64_as_long_as_no_terrain_of_that_size_can_leave_it(
    dtype: str, cell_count: int, expected: str
) -> None:
    assert sum_dtype(CellType(np.dtype(dtype), None), cell_count) == expected
    if expected == "int64":
        info = np.iinfo(dtype)
        highest = min(int(info.max), 2**32 - 1)
        assert highest * cell_count < 2**63
        assert max(int(info.min), -(2**31)) * cell_count > -(2**63)
