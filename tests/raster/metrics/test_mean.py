"""The metric mean."""

from __future__ import annotations

from hypothesis import given, settings

from raster.metrics.mean import Mean
from zooming import SampleTerrain, assert_zooms_like_the_oracle, sample_terrains


@settings(max_examples=60)
@given(sample_terrains())
def test_every_level_is_the_mean_of_the_native_cells(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Mean(), terrain)
