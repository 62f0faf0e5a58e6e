"""Metrics zoomed in memory: a terrain's cells to all levels through lift, zoom and finish alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from oracle import NativeCells
from raster.cells import SOURCE_DTYPES, CellType
from raster.metrics.interface import Metric, Reduction
from raster.zoom import Parts
from terrains import assert_level_equals_oracle

SIZES = (1, 2, 3, 5, 7, 13, 15, 16, 17, 31, 32, 33)
"""One cell, primes, powers of two and their neighbours."""

DTYPES = (*SOURCE_DTYPES, "int64")
"""What tiles hold, and what they are promoted to."""


@dataclass(frozen=True)
class SampleTerrain:
    """Native cells in a base type."""

    cells: np.ndarray
    base: CellType

    @property
    def native(self) -> NativeCells:
        """The same for the oracle, which knows no nodata."""
        if self.base.nodata is None:
            valid = np.ones(self.cells.shape, bool)
        else:
            valid = ~np.isnan(self.cells) if self.base.is_float else self.cells != self.base.nodata
        return NativeCells(self.cells, valid)

    def bind(self, metric: Metric) -> Reduction:
        """The metric bound to this terrain."""
        return metric.bind(self.base, self.cells.size)

    def window(self, rows: slice, cols: slice) -> SampleTerrain:
        """A part of the terrain."""
        return SampleTerrain(self.cells[rows, cols], self.base)


def cell_types(dtype: str) -> list[CellType]:
    """A dtype's cell types: nodata at either end, within, or none; NaN for floats."""
    if np.dtype(dtype).kind == "f":
        return [CellType(np.dtype(dtype), np.nan)]
    # tiles hold no wider ones: int64 is what 32-bit types of both kinds become
    low, high = value_limits(dtype)
    return [CellType(np.dtype(dtype), nodata) for nodata in (None, low, high, 3)]


def value_limits(dtype: str) -> tuple[int, int]:
    """The lowest and highest cell there can be."""
    if dtype == "int64":
        return np.iinfo(np.int32).min, np.iinfo(np.uint32).max
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


@st.composite
def sample_terrains(draw: st.DrawFn) -> SampleTerrain:
    """Terrains of any dtype, nodata and awkward size, with ties, extremes and holes."""
    base = draw(st.sampled_from(DTYPES).map(cell_types).flatmap(st.sampled_from))
    shape = draw(st.sampled_from(SIZES)), draw(st.sampled_from(SIZES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    missing = draw(st.sampled_from([0.0, 0.3, 0.9, 1.0])) if base.nodata is not None else 0.0
    cells = some_cells(rng, base, shape)
    cells[rng.random(shape) < missing] = base.fill
    return SampleTerrain(cells, base)


def some_cells(rng: np.random.Generator, base: CellType, shape: tuple[int, int]) -> np.ndarray:
    """Few values near zero, so that there are ties, and both ends of the dtype."""
    if base.is_float:
        near = rng.integers(-3, 4, shape) / 2
        return np.where(rng.random(shape) < 0.5, near, rng.normal(0, 1e6, shape)).astype(base.dtype)
    low, high = value_limits(base.dtype.name)
    ties = rng.integers(max(low, -2), 4, shape)
    ends = rng.choice([low, low + 1, high - 1, high], shape)
    return np.where(rng.random(shape) < 0.7, ties, ends).astype(base.dtype)


def levels_of_parts(reduction: Reduction, cells: np.ndarray) -> Iterator[Parts]:
    """Parts of each level down to one cell."""
    parts = reduction.lift(cells)
    yield parts
    for _ in range((max(cells.shape) - 1).bit_length()):
        parts = reduction.zoom(parts)
        yield parts


def assert_zooms_like_the_oracle(metric: Metric, terrain: SampleTerrain) -> None:
    """Every level equals the oracle's, and its arrays are those that are announced."""
    reduction = terrain.bind(metric)
    levels = list(levels_of_parts(reduction, terrain.cells))
    assert len(levels) == terrain.native.level_count
    announced = {array.name: array.dtype for array in (reduction.value, *reduction.companions)}
    for level, parts in enumerate(levels):
        arrays = reduction.finish(parts)
        assert {name: array.dtype for name, array in arrays.items()} == announced
        value = reduction.value
        assert_level_equals_oracle(arrays[value.name], value, terrain.native, metric.name, level)


def assert_same(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    """Equal names, dtypes, shapes and cells; NaN equals NaN."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)
