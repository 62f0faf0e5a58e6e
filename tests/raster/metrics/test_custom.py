"""Metrics of one's own, as values: those of the README against plain numpy, and what is refused."""

from __future__ import annotations

import pickle
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from example_metrics.example_metrics import lower_median, root_mean_square
from raster.cells import CellType
from raster.errors import MetricFailed
from raster.metrics.composable import Composable, Part
from raster.metrics.foreign import ForeignMetric
from raster.metrics.interface import VALUE, Metric, Reduction
from raster.metrics.stepwise import Stepwise
from zooming import SampleTerrain, assert_same, levels_of_parts, sample_terrains

INT16 = CellType(np.dtype(np.int16), -1)
CELLS = np.array([[4, -1, 2], [3, 9, -1], [-1, -1, 5]], np.int16)


@settings(max_examples=40)
@given(sample_terrains())
def test_the_root_mean_square_is_that_of_the_native_cells(terrain: SampleTerrain) -> None:
    cells = terrain.cells.astype(np.float64)
    reduction = terrain.bind(ForeignMetric(root_mean_square))
    for level, parts in enumerate(levels_of_parts(reduction, terrain.cells)):
        found = reduction.finish(parts)[VALUE]
        for row, col in np.ndindex(found.shape):
            block = np.s_[row << level : (row + 1) << level, col << level : (col + 1) << level]
            valid = cells[block][terrain.native.valid[block]]
            expected = np.sqrt(np.mean(valid**2)) if valid.size else np.nan
            np.testing.assert_allclose(found[row, col], expected, rtol=1e-12)


@settings(max_examples=40)
@given(sample_terrains())
def test_the_lower_median_is_that_of_the_level_below(terrain: SampleTerrain) -> None:
    reduction = terrain.bind(ForeignMetric(lower_median))
    for level, parts in enumerate(levels_of_parts(reduction, terrain.cells)):
        found = reduction.finish(parts)[VALUE]
        expected, has_data = terrain.native.stepwise(level, statistics.median_low, terrain.base.dtype)
        np.testing.assert_array_equal(found[has_data], expected[has_data])
        assert terrain.base.valid(found[~has_data]).sum() == 0


@pytest.mark.parametrize("metric", [root_mean_square, lower_median], ids=lambda metric: metric.name)
@settings(max_examples=20)
@given(sample_terrains())
def test_what_is_stored_suffices_to_go_on_from_it(metric: Metric, terrain: SampleTerrain) -> None:
    reduction = terrain.bind(ForeignMetric(metric))
    for level, parts in enumerate(levels_of_parts(reduction, terrain.cells)):
        arrays = reduction.finish(parts)
        resumed = reduction.resume(level, arrays)
        assert (resumed is None) == (level == 0 and not metric.is_stepwise)
        if resumed is not None:
            assert_same(reduction.zoom(resumed), reduction.zoom(parts))


def composable(**changed: Any) -> Composable:
    """A sound metric but for what is changed."""
    sound: dict[str, Any] = {
        "name": "total",
        "cell_methods": "area: sum",
        "parts": {"total": Part(lift=lambda cells: cells.copy())},
        "finish": lambda parts: parts["total"].copy(),
    }
    return Composable(**(sound | changed))


def stepwise(**changed: Any) -> Stepwise:
    """A sound metric but for what is changed: the first valid cell."""

    def first(blocks: np.ndarray, valid: np.ndarray) -> np.ndarray:
        return np.take_along_axis(blocks, valid.argmax(axis=-1)[..., None], axis=-1)[..., 0]

    sound: dict[str, Any] = {"name": "first", "cell_methods": "area: point", "function": first}
    return Stepwise(**(sound | changed))


def zoom_out(metric: Metric, cells: np.ndarray = CELLS, base: CellType = INT16) -> list[list[Any]]:
    """The level of one cell."""
    reduction = ForeignMetric(metric).bind(base, cells.size)
    *_, top = levels_of_parts(reduction, cells)
    reduction.finish(reduction.lift(cells))
    values: list[list[Any]] = reduction.finish(top)[VALUE].tolist()
    return values


def test_sound_metrics_zoom_out() -> None:
    assert zoom_out(composable()) == [[23.0]]
    assert zoom_out(stepwise()) == [[4]]


def test_integers_as_results_get_a_nodata_of_their_own() -> None:
    metric = composable(
        dtype="int32",
        parts={"total": Part(lift=lambda cells: cells.astype(np.int32), dtype="int32")},
    )
    lowest = np.iinfo(np.int32).min
    assert zoom_out(metric) == [[23]]
    assert zoom_out(metric, np.array([[-1]], np.int16)) == [[lowest]]
    assert zoom_out(stepwise(dtype="int32"), np.array([[-1, -1]], np.int16)) == [[lowest]]
    assert metric.bind(INT16, 1).value.nodata == lowest


def test_parts_may_merge_by_other_than_addition() -> None:
    def highest(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"total": np.maximum(one["total"], other["total"])}

    parts = {"total": Part(lift=lambda cells: cells.copy(), neutral=-np.inf)}
    metric = composable(merge=highest, parts=parts)
    assert zoom_out(metric) == [[9.0]]
    assert metric.bind(INT16, 9).companions[0].fill == -np.inf


def unsound_raise(*_: object) -> np.ndarray:
    raise KeyError("oh")


def a_number(_: np.ndarray) -> Any:
    return 1.0


def in_place(parts: dict[str, np.ndarray]) -> np.ndarray:
    parts["total"] /= 2
    return parts["total"]


UNSOUND = {
    "lift raises": (composable(parts={"total": Part(lift=unsound_raise)}), "lift", "KeyError: 'oh'"),
    "lift's shape": (composable(parts={"total": Part(lift=lambda c: c[:1, :1])}), "lift", "not (3, 3)"),
    "lift's dtype": (composable(parts={"total": Part(lift=np.isnan)}), "lift", "dtype bool, not float64"),
    "lift's kind": (composable(parts={"total": Part(lift=a_number)}), "lift", "a float, not an array"),
    "lift writes": (composable(parts={"total": Part(lift=lambda c: np.sqrt(c, out=c))}), "lift", "read-only"),
    "merge raises": (composable(merge=unsound_raise), "zoom", "KeyError: 'oh'"),
    "merge's names": (composable(merge=lambda a, b: {"sum": a["total"]}), "zoom", "['sum'], not ['total']"),
    "merge's dtype": (composable(merge=lambda a, b: {"total": a["total"] > 0}), "zoom", "dtype bool"),
    "merge's shape": (composable(merge=lambda a, b: {"total": a["total"][:0]}), "zoom", "gives shape"),
    "finish raises": (composable(finish=unsound_raise), "finish", "KeyError: 'oh'"),
    "finish's shape": (composable(finish=lambda p: p["total"].ravel()), "finish", "gives shape"),
    "finish's dtype": (composable(finish=lambda p: p["total"] > 0), "finish", "dtype bool, not float64"),
    "finish's nodata": (composable(finish=lambda p: p["total"] / 0 * 0), "finish", "gives nodata, nan"),
    "finish writes": (composable(finish=in_place), "finish", "read-only"),
    "function raises": (stepwise(function=unsound_raise), "zoom", "KeyError: 'oh'"),
    "function's shape": (stepwise(function=lambda b, v: b), "zoom", "gives shape (2, 2, 4), not (2, 2)"),
    "function's dtype": (stepwise(function=lambda b, v: b.mean(axis=-1)), "zoom", "float64, not int16"),
    "function's nodata": (stepwise(function=lambda b, v: b.min(axis=-1)), "zoom", "gives nodata, -1"),
    "dtype too narrow": (stepwise(dtype="int8"), "bind", "does not hold every cell"),
}  # fmt: skip


@pytest.mark.parametrize(("metric", "step", "said"), UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_metric_fails_by_name_and_step(metric: Metric, step: str, said: str) -> None:
    with pytest.raises(MetricFailed, match=f"{metric.name!r} failed in its step {step!r}") as caught:
        zoom_out(metric)
    assert said in caught.value.reason
    assert (caught.value.metric, caught.value.step) == (metric.name, step)
    assert caught.value.__cause__ is not None
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), vars(again)) == (str(caught.value), vars(caught.value))


@pytest.mark.parametrize("name", ["elevation", "x", "y", "spatial_ref", "has_data", "", "Sum", "a-b", "1st"])
def test_names_that_no_part_can_have_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        composable(parts={name: Part(lift=np.square)})


def test_a_composable_metric_needs_a_part() -> None:
    with pytest.raises(ValueError, match="needs a part"):
        composable(parts={})


@pytest.mark.parametrize("dtype", ["float16", "complex64", "bool", "str", "nonsense"])
def test_dtypes_that_are_not_stored_are_refused(dtype: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        composable(dtype=dtype)
    with pytest.raises((ValueError, TypeError)):
        composable(parts={"total": Part(lift=np.square, dtype=dtype)})
    with pytest.raises((ValueError, TypeError)):
        stepwise(dtype=dtype)


class Spoilt:
    """The sound metric, one step of its reduction exchanged."""

    name, cell_methods, is_stepwise = "spoilt", "area: sum", False

    def __init__(self, **steps: Any) -> None:
        self.steps = steps

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _SpoiltReduction(composable().bind(base, cell_count), self.steps)


class _SpoiltReduction:
    def __init__(self, sound: Reduction, steps: dict[str, Any]) -> None:
        self._sound = sound
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        return self._steps[name] if name in self._steps else getattr(self._sound, name)


SPOILT = {
    "lift": ({"lift": lambda cells: {"total": cells[:1] if cells.size > 1 else cells}}, "lift"),
    "zoom's names": ({"zoom": lambda parts: {"total": parts["total"]}}, "zoom"),
    "zoom's shape": ({"zoom": lambda parts: parts}, "zoom"),
    "finish's names": ({"finish": lambda parts: {VALUE: parts["total"]}}, "finish"),
    "finish's dtype": ({"finish": lambda p: {VALUE: p["total"] > 0, "total": p["total"]}}, "finish"),
    "no array": ({"value": None}, "bind"),
    "companion twice": ({"companions": composable().bind(INT16, 9).companions * 2}, "bind"),
}


@pytest.mark.parametrize(("steps", "step"), SPOILT.values(), ids=SPOILT)
def test_a_metric_that_is_a_class_of_its_own_is_held_to_the_same(steps: dict[str, Any], step: str) -> None:
    with pytest.raises(MetricFailed) as caught:
        zoom_out(Spoilt(**steps))
    assert (caught.value.metric, caught.value.step) == ("spoilt", step)


@pytest.mark.parametrize("resumed", [{}, {"total": np.zeros((1, 1))}, 7])
def test_what_a_metric_resumes_with_is_checked(resumed: object) -> None:
    reduction = ForeignMetric(Spoilt(resume=lambda level, arrays: resumed)).bind(INT16, 9)
    with pytest.raises(MetricFailed) as caught:
        reduction.resume(1, {VALUE: np.zeros((2, 2)), "total": np.zeros((2, 2))})
    assert caught.value.step == "resume"


def test_a_sound_class_of_its_own_zooms_out() -> None:
    assert zoom_out(Spoilt()) == [[23.0]]
