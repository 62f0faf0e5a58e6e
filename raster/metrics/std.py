"""The metric std."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.count import count_array
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.metrics.overflow import can_overflow, overflow_is_met_later, refuse_overflow
from raster.zoom import Parts, zoom_blocks

FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class Std:
    """The standard deviation of the valid cells of each block, as of a whole population.

    Block and edge as for `Extreme`. Nodata: ignored; a block without valid cells is NaN. Kept as
    `count`, `mean` and `m2`, the sum of squared deviations from the mean, all stored beside the
    value from level 1 up; two blocks merge by the update of Chan, Golub and LeVeque (1983,
    doi:10.1080/00031305.1983.10483115), which does not cancel where the deviation is small against
    the mean. Result: sqrt(m2 / count) in float64, stored so; nodata NaN. Cells of float64 whose m2
    leaves its range, that is from deviations of about 1e154 on, are refused: `MetricOverflow`. `mean`
    and `m2` of a block without valid cells are 0. Level 0 is 0 at every valid cell. Composable.
    """

    @property
    def name(self) -> str:
        return "std"

    @property
    def cell_methods(self) -> str:
        return "area: standard_deviation"

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _StdReduction(base, count_array("count", cell_count))


@dataclass(frozen=True, slots=True)
class _StdReduction:
    base: CellType
    count: StoredArray

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=FLOAT64,
            nodata=math.nan,
            fill=math.nan,
            long_name="standard deviation of elevation",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        mean = StoredArray(
            name="mean",
            dtype=FLOAT64,
            nodata=None,
            fill=0.0,
            long_name="mean of elevation",
            unit="terrain",
        )
        m2 = StoredArray(
            name="m2",
            dtype=FLOAT64,
            nodata=None,
            fill=0.0,
            long_name="sum of squared deviations of elevation from its mean",
            unit="terrain squared",
        )
        return self.count, mean, m2

    def lift(self, cells: Cells) -> Parts:
        valid = self.base.valid(cells)
        mean = np.zeros(cells.shape)
        np.copyto(mean, cells, where=valid)
        return {"count": valid.astype(self.count.dtype), "mean": mean, "m2": np.zeros(cells.shape)}

    def zoom(self, parts: Parts) -> Parts:
        return zoom_blocks(parts, _merge)

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        variance = np.full(parts["m2"].shape, math.nan)
        has_data = parts["count"] > 0
        np.divide(parts["m2"], parts["count"], out=variance, where=has_data)
        if can_overflow(self.base):
            refuse_overflow("std", variance, has_data)
        return {VALUE: np.sqrt(variance, out=variance), **parts}

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return {name: arrays[name] for name in ("count", "mean", "m2")} if level else None

    @property
    def keeps_cells(self) -> bool:
        return False


def _merge(one: Parts, other: Parts) -> Parts:
    count = one["count"] + other["count"]
    with overflow_is_met_later():
        delta = other["mean"] - one["mean"]
        shift = np.divide(other["count"], np.maximum(count, 1), dtype=np.float64)
        shift *= delta
        mean = one["mean"] + shift
        # delta last: where a block is empty the factor before it is 0, and stays 0
        shift *= one["count"]
        shift *= delta
        shift += one["m2"]
        shift += other["m2"]
    return {"count": count, "mean": mean, "m2": shift}
