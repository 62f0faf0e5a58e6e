"""The metric mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.count import count_array
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.metrics.overflow import can_overflow, overflow_is_met_later, refuse_overflow
from raster.metrics.sum import sum_dtype
from raster.zoom import Parts, add_parts, zoom_blocks


def mean_dtype(base: CellType) -> np.dtype[Any]:
    """What means of cells are stored as: float32 where that has room for more than the cells' digits."""
    is_short = base.dtype.kind in "iu" and base.dtype.itemsize <= 2
    return np.dtype(np.float32 if is_short or base.dtype == np.float32 else np.float64)


@dataclass(frozen=True, slots=True)
class Mean:
    """The arithmetic mean of the valid cells of each block, every native cell with weight one.

    Block and edge as for `Extreme`. Nodata: ignored; a block without valid cells is NaN.
    Kept as sum and count, so it is never a mean of means; both are stored beside the value
    from level 1 up. `sum` is int64 (exact) for integers, float64 for floats
    and for 32-bit terrains of more cells than int64 could sum; `count` as the
    metric of that name. Result: sum / count in float64, stored as float32 for integers of up
    to 16 bits and float32 (rounded to nearest even), else float64; nodata NaN. Level 0 is the
    terrain itself. Composable. Cells of float64 whose sum leaves its range, at any level and on the way
    to it (rows before columns), are refused: `MetricOverflow`.
    """

    @property
    def name(self) -> str:
        return "mean"

    @property
    def cell_methods(self) -> str:
        return "area: mean"

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _MeanReduction(base, cell_count)


@dataclass(frozen=True, slots=True)
class _MeanReduction:
    base: CellType
    cell_count: int

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=mean_dtype(self.base),
            nodata=math.nan,
            fill=math.nan,
            long_name="mean of elevation",
            unit="terrain",
        )

    @property
    def sum(self) -> StoredArray:
        return StoredArray(
            name="sum",
            dtype=sum_dtype(self.base, self.cell_count),
            nodata=None,
            fill=0,
            long_name="sum of elevation over valid cells",
            unit="terrain",
        )

    @property
    def count(self) -> StoredArray:
        return count_array("count", self.cell_count)

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return self.sum, self.count

    def lift(self, cells: Cells) -> Parts:
        valid = self.base.valid(cells)
        total = np.zeros(cells.shape, self.sum.dtype)
        np.copyto(total, cells, where=valid)
        return {"sum": total, "count": valid.astype(self.count.dtype)}

    def zoom(self, parts: Parts) -> Parts:
        with overflow_is_met_later():
            return zoom_blocks(parts, add_parts)

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        mean = np.full(parts["sum"].shape, math.nan)
        has_data = parts["count"] > 0
        np.divide(parts["sum"], parts["count"], out=mean, where=has_data)
        if can_overflow(self.base):
            refuse_overflow("mean", mean, has_data)
        return {VALUE: mean.astype(self.value.dtype), **parts}

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        if level:
            return {name: arrays[name] for name in ("sum", "count")}
        valid = ~np.isnan(arrays[VALUE])
        total = np.zeros(valid.shape, self.sum.dtype)
        np.copyto(total, arrays[VALUE], where=valid, casting="unsafe")
        return {"sum": total, "count": valid.astype(self.count.dtype)}

    @property
    def keeps_cells(self) -> bool:
        return self.value.dtype == self.base.dtype
