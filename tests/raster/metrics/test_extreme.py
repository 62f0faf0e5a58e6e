"""The metrics max and min."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings

from raster.metrics.extreme import Extreme
from zooming import SampleTerrain, assert_zooms_like_the_oracle, sample_terrains


@pytest.mark.parametrize("name", ["max", "min"])
@settings(max_examples=60)
@given(sample_terrains())
def test_every_level_is_the_extreme_of_the_native_cells(
    name: Literal["max", "min"], terrain: SampleTerrain
) -> None:
    assert_zooms_like_the_oracle(Extreme(name), terrain)
