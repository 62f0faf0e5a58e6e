"""The metric range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from raster.cells import CellType
from raster.metrics.interface import VALUE
from raster.metrics.range import Range
from zooming import (
    SampleTerrain,
    assert_zooms_like_the_oracle,
    levels_of_parts,
    sample_terrains,
    value_limits,
)


@settings(max_examples=60)
@given(sample_terrains())
def test_every_level_is_the_range_of_the_native_cells(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Range(), terrain)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("int8", "int16"), ("uint8", "int16"), ("int16", "int32"), ("uint16", "int32"),
        ("int32", "int64"), ("uint32", "int64"), ("int64", "int64"),
    ],
)  # fmt: skip
def test_the_widest_range_of_integers_fits(dtype: str, expected: str) -> None:
    low, high = value_limits(dtype)
    reduction = Range().bind(CellType(np.dtype(dtype), None), 2)
    *_, top = levels_of_parts(reduction, np.array([[low, high]], dtype))
    assert reduction.finish(top)[VALUE].tolist() == [[high - low]]
    assert reduction.value.dtype == expected
    assert reduction.value.nodata == -1


def test_the_ends_of_the_range_are_stored_beside_it() -> None:
    reduction = Range().bind(CellType(np.dtype(np.int16), 0), 6)
    *_, top = levels_of_parts(reduction, np.array([[0, 5, 9], [-4, 0, 0]], np.int16))
    assert {name: array.tolist() for name, array in reduction.finish(top).items()} == {
        VALUE: [[13]],
        "min": [[-4]],
        "max": [[9]],
    }
