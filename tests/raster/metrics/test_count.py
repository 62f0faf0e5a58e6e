"""The metric count."""

from __future__ import annotations

from hypothesis import given, settings

from raster.metrics.count import Count
from zooming import SampleTerrain, assert_zooms_like_the_oracle, sample_terrains


@settings(max_examples=60, deadline=None)
@given(sample_terrains())
def test_every_level_is_the_count_of_the_native_cells(terrain: SampleTerrain) -> None:
    assert_zooms_like_the_oracle(Count(), terrain)
