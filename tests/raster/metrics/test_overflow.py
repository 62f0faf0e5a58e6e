"""Cells near the end of float64: a metric gives what they have or is refused, never infinity or nodata."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.cells import CellType
from raster.errors import MetricOverflow
from raster.metrics.interface import VALUE, Metric
from raster.metrics.mean import Mean
from raster.metrics.range import Range
from raster.metrics.registry import built_in_metrics
from raster.metrics.std import Std
from raster.metrics.sum import Sum
from zooming import levels_of_parts

FLOAT32, FLOAT64 = (CellType(np.dtype(dtype), math.nan) for dtype in ("float32", "float64"))
MOST = sys.float_info.max


def mean_of(cells: list[Fraction]) -> Fraction:
    return sum(cells, Fraction()) / len(cells)


def variance_of(cells: list[Fraction]) -> Fraction:
    return mean_of([(cell - mean_of(cells)) ** 2 for cell in cells])


EXACT: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "mean": mean_of,
    "sum": lambda cells: sum(cells, Fraction()),
    "range": lambda cells: max(cells) - min(cells),
}
NEEDED: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "mean": lambda cells: sum(map(abs, cells), Fraction()),
    "sum": lambda cells: sum(map(abs, cells), Fraction()),
    "range": lambda cells: max(cells) - min(cells),
    "std": lambda cells: 4 * len(cells) * max(map(abs, cells)) ** 2,
}
"""An upper bound of what a metric has to hold on its way."""

UNSAFE = [Mean(), Sum(), Std(), Range()]
SAFE = [metric for metric in built_in_metrics() if metric not in UNSAFE]
METRICS = pytest.mark.parametrize("metric", UNSAFE, ids=lambda metric: metric.name)

sizes = st.sampled_from([0.0, 1.0, 1e100, 1e153, 1e160, 1e300, MOST / 8, MOST / 4, MOST / 2, MOST])
large = st.builds(lambda size, part: size * part, sizes, st.floats(-1, 1)) | st.sampled_from([MOST, -MOST])


def str_of(value: object) -> str:
    return str(getattr(value, "name", value))


def levels(metric: Metric, base: CellType, cells: np.ndarray) -> list[np.ndarray]:
    reduction = metric.bind(base, cells.size)
    return [reduction.finish(parts)[VALUE] for parts in levels_of_parts(reduction, cells)]


def block(cells: np.ndarray, level: int, row: int, col: int) -> list[Fraction]:
    """The valid native cells under a cell, exactly."""
    side = 2**level
    part = cells[row * side : (row + 1) * side, col * side : (col + 1) * side]
    return [Fraction(value) for value in part[~np.isnan(part)].tolist()]


def blocks(cells: np.ndarray) -> list[list[Fraction]]:
    """Valid native cells of every block of every level that has some."""
    places = ((level, row, col) for level in range(4) for row in range(5) for col in range(5))
    return [found for place in places if (found := block(cells, *place))]


@st.composite
def large_cells(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    count = height * width
    values = draw(st.lists(large | st.just(math.nan), min_size=count, max_size=count))
    return np.array(values).reshape(height, width)


@METRICS
@settings(max_examples=300)
@given(large_cells())
def test_every_block_has_the_value_of_its_cells_or_the_metric_is_refused(
    metric: Metric, cells: np.ndarray
) -> None:
    try:
        found = levels(metric, FLOAT64, cells)
    except MetricOverflow:
        assert max(map(NEEDED[metric.name], blocks(cells))) > Fraction(MOST)
        return
    for level, values in enumerate(found):
        for (row, col), value in np.ndenumerate(values):
            valid = block(cells, level, row, col)
            assert math.isnan(value) == (not valid)
            if valid:
                assert math.isfinite(value)
                assert_close(metric.name, float(value), valid)


def assert_close(metric: str, value: float, cells: list[Fraction]) -> None:
    """Within rounding of the largest number on the way."""
    slack = max(map(abs, cells)) / 10**12
    if metric == "std":
        # compared in squares: those have no square root in fractions
        assert abs(Fraction(value) ** 2 - variance_of(cells)) <= slack * max(map(abs, cells)) * len(cells)
    else:
        assert abs(Fraction(value) - EXACT[metric](cells)) <= slack * len(cells)


@pytest.mark.parametrize(
    ("metric", "cells"),
    [
        (Mean(), [[1.7e308, 1.7e308]]),
        (Mean(), [[-1.7e308], [-1.7e308]]),
        (Mean(), [[1.7e308, -1.7e308], [1.7e308, -1.7e308]]),  # two opposite infinities on the way
        (Mean(), [[1e308, math.nan], [math.nan, 1e308]]),
        (Mean(), [[1e308, 0.0, 1e308]]),  # at the second level only
        (Sum(), [[1.7e308, 1.7e308]]),
        (Sum(), [[1.7e308, -1.7e308], [1.7e308, -1.7e308]]),
        (Sum(), [[1e308, 0.0, 1e308]]),
        (Std(), [[1e200, -1e200], [0.0, 0.0]]),
        (Std(), [[1.7e308, -1.7e308]]),
        (Std(), [[1e155, 0.0, -1e155]]),
        (Range(), [[1e308, -1e308]]),
        (Range(), [[MOST, 0.0, -MOST]]),
    ],
    ids=str_of,
)  # fmt: skip
def test_what_leaves_float64_is_refused_with_the_way_out(metric: Metric, cells: list[list[float]]) -> None:
    with pytest.raises(MetricOverflow, match=f"'{metric.name}' .* float64.* nodata") as refused:
        levels(metric, FLOAT64, np.array(cells))
    assert refused.value.metric == metric.name


@pytest.mark.parametrize(
    ("metric", "cells", "top"),
    [
        (Mean(), [[MOST, math.nan], [math.nan, math.nan]], MOST),
        (Mean(), [[8e307, 8e307]], 8e307),
        (Mean(), [[MOST, MOST], [-MOST, -MOST]], 0.0),  # rows come first
        (Sum(), [[MOST, MOST], [-MOST, -MOST]], 0.0),
        (Sum(), [[MOST, math.nan]], MOST),
        (Std(), [[MOST, math.nan]], 0.0),
        (Std(), [[1e153, -1e153]], 1e153),
        (Range(), [[MOST / 2, -MOST / 2]], MOST),
        (Range(), [[MOST, MOST]], 0.0),
    ],
    ids=str_of,
)  # fmt: skip
def test_what_float64_holds_is_given(metric: Metric, cells: list[list[float]], top: float) -> None:
    assert levels(metric, FLOAT64, np.array(cells))[-1].item() == pytest.approx(top, rel=1e-15)


@METRICS
def test_float32_cells_never_come_that_far(metric: Metric) -> None:
    most = float(np.finfo(np.float32).max)
    cells = np.where(np.indices((33, 65)).sum(0) % 3 == 0, -most, most).astype(np.float32)
    for level, values in enumerate(levels(metric, FLOAT32, cells)):
        assert values.dtype.kind == "f"
        assert np.isfinite(values).all(), level


@pytest.mark.parametrize("metric", SAFE, ids=lambda metric: metric.name)
def test_the_others_take_any_cell_there_is(metric: Metric) -> None:
    for values in levels(metric, FLOAT64, np.array([[MOST, -MOST, MOST], [MOST, MOST, -MOST]])):
        assert np.isfinite(values).all()
