"""The boundary to metrics that are not ours: whatever goes wrong in one, the error names it and the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from raster.cells import Cells, CellType
from raster.errors import MetricFailed, RasterError
from raster.metrics.interface import VALUE, Metric, Reduction, StoredArray
from raster.metrics.returned import RESERVED_NAMES, check_returned
from raster.zoom import Parts

ArrayTypes = Mapping[str, np.dtype[Any]]


@contextmanager
def foreign_code(fail: Callable[[str], RasterError]) -> Iterator[None]:
    """Whatever is raised inside becomes the error that `fail` makes of its reason."""
    try:
        yield
    except Exception as error:  # foreign code may raise anything; what it was is kept as the cause
        raise fail(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class ForeignMetric:
    """A plug-in's metric.

    Every step of it fails with `MetricFailed` if it raises, or returns other arrays than it has to.
    `code` differs when the metric may have changed, so that no build goes on with the cells of another.
    """

    metric: Metric
    code: str = ""

    @property
    def name(self) -> str:
        return self.metric.name

    @property
    def cell_methods(self) -> str:
        return self.metric.cell_methods

    @property
    def is_stepwise(self) -> bool:
        return self.metric.is_stepwise

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        with foreign_code(partial(MetricFailed, self.name, "bind")):
            reduction = self.metric.bind(base, cell_count)
            value, companions = reduction.value, tuple(reduction.companions)
            _check_arrays(value, companions)
            keeps_cells = bool(reduction.keeps_cells)
        with foreign_code(partial(MetricFailed, self.name, "lift")):
            # what a single empty cell lifts to is what all parts have to look like
            parts = {name: part.dtype for name, part in reduction.lift(base.empty((1, 1))).items()}
        return _ForeignReduction(self.name, reduction, value, companions, keeps_cells, parts)


def _check_arrays(value: StoredArray, companions: tuple[StoredArray, ...]) -> None:
    for array in (value, *companions):
        if not isinstance(array, StoredArray):
            raise TypeError(f"{array!r} is no StoredArray")
    if value.name != VALUE:
        raise ValueError(f"the array of values is called {value.name!r}, not {VALUE!r}")
    names = [array.name for array in companions]
    taken = sorted(name for name in names if name in RESERVED_NAMES or names.count(name) > 1)
    if taken:
        raise ValueError(f"names of companions are taken: {', '.join(taken)}")


@dataclass(frozen=True, slots=True)
class _ForeignReduction:
    metric: str
    reduction: Reduction
    value: StoredArray
    companions: tuple[StoredArray, ...]
    keeps_cells: bool
    parts: ArrayTypes

    def lift(self, cells: Cells) -> Parts:
        with self._step("lift"):
            parts = self.reduction.lift(cells)
            _check(parts, self.parts, cells.shape)
        return parts

    def zoom(self, parts: Parts) -> Parts:
        height, width = _shape(parts)
        with self._step("zoom"):
            zoomed = self.reduction.zoom(parts)
            _check(zoomed, self.parts, (-(-height // 2), -(-width // 2)))
        return zoomed

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        with self._step("finish"):
            arrays = self.reduction.finish(parts)
            _check(arrays, self._arrays(), _shape(parts))
        return arrays

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        with self._step("resume"):
            parts = self.reduction.resume(level, arrays)
            if parts is not None:
                _check(parts, self.parts, _shape(arrays))
        return parts

    def _step(self, step: str) -> Any:
        return foreign_code(partial(MetricFailed, self.metric, step))

    def _arrays(self) -> ArrayTypes:
        return {array.name: array.dtype for array in (self.value, *self.companions)}


def _shape(arrays: Mapping[str, Cells]) -> tuple[int, int]:
    height, width = next(iter(arrays.values())).shape
    return height, width


def _check(arrays: Mapping[str, Cells], wanted: ArrayTypes, shape: tuple[int, ...]) -> None:
    if arrays.keys() != wanted.keys():
        raise ValueError(f"there are arrays {sorted(arrays)}, not {sorted(wanted)}")
    for name, dtype in wanted.items():
        check_returned(f"{name!r}", arrays[name], shape, dtype)
