"""Statistics of arrays against fractions: exact for integers, to a digit or two for floats."""

from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.cells import Cells, CellType, Nodata
from raster.statistics import PIECE_CELLS, Statistics, summarise

INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32")
LARGEST = float(np.finfo(np.float64).max)


def summary(*windows: Cells, nodata: Nodata = None) -> Statistics:
    dtype = windows[0].dtype
    found = summarise(windows, CellType(dtype, math.nan if dtype.kind == "f" else nodata))
    # whatever the cells, it can be sent: no NaN, no infinity, plain Python numbers
    assert json.loads(json.dumps(asdict(found), allow_nan=False)) == asdict(found)
    return found


def exact(values: list[Any]) -> tuple[Fraction, Fraction]:
    """Mean and variance in fractions."""
    fractions = [Fraction(value) for value in values]
    mean = sum(fractions, Fraction()) / len(fractions)
    return mean, sum(((value - mean) ** 2 for value in fractions), Fraction()) / len(fractions)


def root(variance: Fraction) -> float:
    """Correctly rounded but for the last digit, of any size."""
    scale = 2 ** max(0, 140 - (variance.numerator.bit_length() - variance.denominator.bit_length()) // 2)
    return float(Fraction(math.isqrt(variance.numerator * scale**2 // variance.denominator), scale))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_extremes_of_every_integer_are_exact(dtype: str) -> None:
    info = np.iinfo(dtype)
    values = [int(info.min), int(info.max), int(info.max), 0, 1]
    mean, variance = exact(values)
    found = summary(np.array([values], dtype))
    assert (found.cell_count, found.valid_count) == (5, 5)
    assert (found.min, found.max, found.mean) == (info.min, info.max, float(mean))
    assert found.std == pytest.approx(root(variance), rel=4e-16)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("value", ["min", "max"])
def test_a_million_extremes_overflow_nothing(dtype: str, value: str) -> None:
    extreme = int(getattr(np.iinfo(dtype), value))
    found = summary(np.full((1000, 1000), extreme, dtype))
    assert (found.valid_count, found.min, found.max, found.mean, found.std) == (
        10**6, extreme, extreme, float(extreme), 0.0,
    )  # fmt: skip


def test_one_cell_that_differs_among_a_million_is_not_lost() -> None:
    # the squares sum up to 2^82, where float64 has steps of 2^30
    cells = np.full((1000, 1000), 2**31 - 1, np.int32)
    cells[500, 500] -= 1
    found = summary(cells)
    assert found.mean == float(2**31 - 1 - Fraction(1, 10**6))
    assert found.std == pytest.approx(math.sqrt(Fraction(10**6 - 1, 10**12)), rel=4e-16)


@settings(max_examples=80)
@given(st.data(), st.sampled_from(INTEGERS))
def test_integers_equal_fractions_however_they_are_cut(data: st.DataObject, dtype: str) -> None:
    info = np.iinfo(dtype)
    near = st.sampled_from([info.min, info.min + 1, 0, info.max - 1, info.max]).map(int)
    cells = data.draw(st.lists(near | st.integers(int(info.min), int(info.max)), min_size=1, max_size=40))
    nodata = data.draw(st.none() | st.sampled_from(cells))
    cut = data.draw(st.integers(0, len(cells)))
    windows = [np.array([part], dtype) for part in (cells[:cut], cells[cut:]) if part]
    found = summary(*windows, nodata=nodata)
    valid = [value for value in cells if value != nodata]
    assert (found.cell_count, found.valid_count) == (len(cells), len(valid))
    if not valid:
        assert (found.min, found.max, found.mean, found.std) == (None, None, None, None)
        return
    mean, variance = exact(valid)
    assert (found.min, found.max, found.mean) == (min(valid), max(valid), float(mean))
    assert found.std == pytest.approx(root(variance), rel=4e-16, abs=0)


@settings(max_examples=150)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30),
    st.integers(0, 30),
)
def test_floats_of_any_size_are_close_to_fractions_and_always_finite(cells: list[float], cut: int) -> None:
    found = summary(*(np.array([part]) for part in (cells[:cut], cells[cut:]) if part))
    valid = [value for value in cells if math.isfinite(value)]
    assert (found.cell_count, found.valid_count) == (len(cells), len(valid))
    if not valid:
        assert found.mean is None
        return
    mean, variance = exact(valid)
    assert (found.min, found.max) == (min(valid), max(valid))
    assert found.mean is not None
    assert found.std is not None
    assert min(valid) <= found.mean <= max(valid)
    # of the largest value's digits, as cells that cancel leave the others' rounding
    size = max(abs(value) for value in valid)
    digits = Fraction(size) * Fraction(1, 2**45) + Fraction(5e-324) * 40
    assert abs(Fraction(found.mean) - mean) <= digits
    assert abs(Fraction(found.std) - Fraction(root(variance))) <= digits


@pytest.mark.parametrize(
    ("values", "mean", "std"),
    [
        ([LARGEST, -LARGEST], 0.0, LARGEST),
        ([LARGEST, LARGEST], LARGEST, 0.0),
        ([-LARGEST] * 3, -LARGEST, 0.0),
        ([LARGEST, 0.0], LARGEST / 2, LARGEST / 2),
        ([3e-320, 1e-320], 2e-320, 1e-320),
        ([1e-200, 3e-200], 2e-200, 1e-200),
        ([0.0, 0.0], 0.0, 0.0),
        ([-0.0], 0.0, 0.0),
        ([0.1] * 3, 0.1, 0.0),
    ],
)
def test_huge_and_tiny_floats_neither_overflow_nor_vanish(
    values: list[float], mean: float, std: float
) -> None:
    for windows in ([values], [[value] for value in values]):
        found = summary(*(np.array([window]) for window in windows))
        assert found.mean == pytest.approx(mean, rel=1e-15, abs=0)
        assert found.std == pytest.approx(std, rel=1e-3 if std < 1e-300 else 1e-15, abs=0)


def test_a_large_mean_does_not_hide_a_small_deviation() -> None:
    cells = np.random.default_rng(1).normal(0, 1e-3, (60, 70)) + 1e6
    found = summary(*np.array_split(cells, 7))
    mean, variance = exact(cells.ravel().tolist())
    assert found.mean == pytest.approx(float(mean), rel=1e-15)
    assert found.std == pytest.approx(root(variance), rel=1e-9)


def test_float32_is_summed_in_float64() -> None:
    cells = np.full((1000, 1000), 0.1, np.float32)
    found = summary(cells)
    assert (found.min, found.max, found.mean, found.std) == (*[float(np.float32(0.1))] * 3, 0.0)


def test_nan_and_infinities_are_left_out() -> None:
    found = summary(np.array([[1.0, np.nan, np.inf], [-np.inf, 3.0, np.nan]]))
    assert found == Statistics(cell_count=6, valid_count=2, min=1.0, max=3.0, mean=2.0, std=1.0)


@pytest.mark.parametrize(
    ("cells", "nodata"),
    [
        (np.full((2, 3), np.nan), None),
        (np.full((2, 3), np.inf, np.float32), None),
        (np.full((2, 3), -9999, np.int16), -9999),
        (np.full((2, 3), 255, np.uint8), 255),
    ],
)
def test_nodata_only_gives_counts_and_nothing_else(cells: Cells, nodata: Nodata) -> None:
    assert summary(cells, nodata=nodata) == Statistics(
        cell_count=6, valid_count=0, min=None, max=None, mean=None, std=None
    )


def test_one_cell_is_its_own_mean() -> None:
    for cells in (np.array([[-7]], np.int8), np.array([[-7.0]], np.float32)):
        assert summary(cells) == Statistics(cell_count=1, valid_count=1, min=-7, max=-7, mean=-7, std=0)


def test_no_window_at_all_has_no_cell() -> None:
    assert summarise([], CellType(np.dtype("int16"), None)).cell_count == 0
    assert summary(np.empty((0, 5), np.int16)).cell_count == 0


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_neither_order_nor_cut_nor_strides_change_the_result(dtype: str) -> None:
    cells = np.random.default_rng(2).integers(-500, 9000, (700, 900)).astype(dtype)
    assert cells.size > 2 * PIECE_CELLS
    whole = summary(cells)
    others = (
        summary(np.asfortranarray(cells)),
        summary(cells[::-1]),
        summary(cells[:, ::2], cells[:, 1::2]),
        summary(*cells),
        summary(cells[None]),
    )
    for other in others:
        assert (other.cell_count, other.valid_count) == (whole.cell_count, whole.valid_count)
        assert (other.min, other.max) == (whole.min, whole.max)
        assert other.mean == pytest.approx(whole.mean, rel=1e-14)
        assert other.std == pytest.approx(whole.std, rel=1e-14)


def test_the_cells_given_are_not_written_to() -> None:
    cells = np.array([[1.0, np.nan], [np.inf, 4.0]])
    cells.flags.writeable = False
    assert summary(cells).valid_count == 2


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64"])
def test_a_large_window_is_summed_without_large_copies(dtype: str) -> None:
    cells = np.ones((3000, 4000), dtype)
    tracemalloc.start()
    try:
        summary(cells)
        assert tracemalloc.get_traced_memory()[1] < 40 * PIECE_CELLS
    finally:
        tracemalloc.stop()
