"""The metric count."""

from __future__ import annotations

import math

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from zarr.storage import MemoryStore

from raster.cells import CellType
from raster.metrics.count import Count
from terrains import METRICS
from zooming import SampleTerrain, assert_zooms_like_the_oracle, sample_terrains


@settings(max_examples=60)
@given(sample_terrains())
def test_every_level_is_the_count_of_the_native_cells(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Count(), terrain)


@pytest.mark.parametrize("cells", [255, 256, 2**16, 2**32 - 1, 2**32, 2**40])
@pytest.mark.parametrize("metric", METRICS.names)
def test_terrains_of_any_size_can_be_stored(metric: str, cells: int) -> None:
    reduction = METRICS.get(metric).bind(CellType(np.dtype(np.float32), math.nan), cells)
    for array in (reduction.value, *reduction.companions):
        zarr.create_array(MemoryStore(), shape=(1, 1), dtype=array.dtype)
        if array.name == "count" or metric == "count":
            assert np.iinfo(array.dtype).max >= cells
