"""However a terrain is cut at even offsets, and in whatever order the pieces are zoomed: the same cells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.cells import CellType
from raster.metrics.interface import VALUE, Metric
from raster.metrics.registry import built_in_metrics
from raster.zoom import BAND_ROWS, Parts
from zooming import SampleTerrain, assert_same, levels_of_parts, sample_terrains

METRICS = pytest.mark.parametrize("metric", built_in_metrics(), ids=lambda metric: metric.name)


@st.composite
def even_cuts(draw: st.DrawFn, size: int) -> list[slice]:
    """A side in pieces that begin at even cells."""
    inner = draw(st.sets(st.integers(1, max(1, (size - 1) // 2)), max_size=3))
    edges = sorted({0, size, *(2 * half for half in inner if 2 * half < size)})
    return [slice(start, stop) for start, stop in pairwise(edges)]


def in_pieces(
    metric: Metric, terrain: SampleTerrain, rows: list[slice], cols: list[slice], order: list[int]
) -> Parts:
    """Level 1's parts, piece by piece."""
    reduction = terrain.bind(metric)
    pieces = [(row, col) for row in rows for col in cols]
    shape = tuple(-(-side // 2) for side in terrain.cells.shape)
    whole: Parts = {}
    for index in order:
        row, col = pieces[index]
        piece = reduction.zoom(reduction.lift(terrain.window(row, col).cells))
        for name, part in piece.items():
            target = whole.setdefault(name, np.empty(shape, part.dtype))
            target[row.start // 2 : -(-row.stop // 2), col.start // 2 : -(-col.stop // 2)] = part
    return whole


@METRICS
@settings(max_examples=25)
@given(sample_terrains(), st.data())
def test_the_cut_of_a_terrain_changes_no_bit(
    metric: Metric, terrain: SampleTerrain, data: st.DataObject
) -> None:
    rows = data.draw(even_cuts(terrain.cells.shape[0]))
    cols = data.draw(even_cuts(terrain.cells.shape[1]))
    order = data.draw(st.permutations(range(len(rows) * len(cols))))
    reduction = terrain.bind(metric)
    expected = reduction.zoom(reduction.lift(terrain.cells))
    assert_same(in_pieces(metric, terrain, rows, cols, list(order)), expected)


@METRICS
@settings(max_examples=25)
@given(sample_terrains())
def test_what_is_stored_at_a_level_suffices_to_go_on_from_it(metric: Metric, terrain: SampleTerrain) -> None:
    reduction = terrain.bind(metric)
    for level, parts in enumerate(levels_of_parts(reduction, terrain.cells)):
        arrays = reduction.finish(parts)
        resumed = reduction.resume(level, arrays if level else {VALUE: arrays[VALUE]})
        if resumed is None:
            assert level == 0
            assert metric.name in ("std", "range")
            continue
        assert_same(reduction.finish(resumed), arrays)
        assert_same(reduction.zoom(resumed), reduction.zoom(parts))


@METRICS
@settings(max_examples=25)
@given(sample_terrains())
def test_level_0_is_the_terrain_where_a_metric_says_so(metric: Metric, terrain: SampleTerrain) -> None:
    reduction = terrain.bind(metric)
    value = reduction.value
    found = reduction.finish(reduction.lift(terrain.cells))[VALUE]
    if reduction.keeps_cells:
        assert_same({VALUE: found}, {VALUE: terrain.cells})
        assert str(value.nodata) == str(terrain.base.nodata)
    has_data = terrain.native.valid
    if metric.name in ("max", "min", "mean", "sum", "median", "mode"):
        np.testing.assert_array_equal(found[has_data], terrain.cells[has_data].astype(value.dtype))
    else:
        assert set(found[has_data].tolist()) <= {1 if metric.name == "count" else 0}


@METRICS
def test_zooming_and_finishing_leave_the_parts_as_they_are(metric: Metric) -> None:
    cells = np.random.default_rng(2).integers(0, 4, (9, 7)).astype(np.int16)
    reduction = metric.bind(CellType(np.dtype(np.int16), 0), cells.size)
    parts = reduction.zoom(reduction.lift(cells))
    before = {name: array.copy() for name, array in parts.items()}
    reduction.finish(parts)
    reduction.zoom(parts)
    assert_same(parts, before)


@METRICS
def test_more_rows_than_a_band_are_zoomed_alike(metric: Metric) -> None:
    cells = np.random.default_rng(3).integers(-9, 9, (2 * BAND_ROWS + 3, 5)).astype(np.int16)
    terrain = SampleTerrain(cells, CellType(np.dtype(np.int16), 1))
    reduction = terrain.bind(metric)
    rows = [slice(start, min(start + 6, len(cells))) for start in range(0, len(cells), 6)]
    order = list(range(len(rows)))
    found = in_pieces(metric, terrain, rows, [slice(0, 5)], order)
    assert_same(reduction.zoom(reduction.lift(cells)), found)
