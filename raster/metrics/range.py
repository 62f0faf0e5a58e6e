"""The metric range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.extreme import Pick
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.metrics.overflow import can_overflow, overflow_is_met_later, refuse_overflow
from raster.zoom import Parts, zoom_blocks


@dataclass(frozen=True, slots=True)
class Range:
    """The highest valid cell of each block minus the lowest.

    Block and edge as for `Extreme`. Nodata: ignored; a block without valid cells is nodata. Kept as
    `min` and `max`, of the terrain's base type, both stored beside the value from level 1 up.
    Result: exact in the next wider signed integer (int16 from 8 bits, int32 from 16, else int64),
    nodata -1; float64 for floats, nodata NaN; cells of float64 further apart than its range is long
    are refused: `MetricOverflow`. Level 0 is 0 at every valid cell. Composable.
    """

    @property
    def name(self) -> str:
        return "range"

    @property
    def cell_methods(self) -> str:
        return "area: range"

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _RangeReduction(base)


@dataclass(frozen=True, slots=True)
class _RangeReduction:
    base: CellType

    @property
    def value(self) -> StoredArray:
        nodata = math.nan if self.base.is_float else -1
        return StoredArray(
            name=VALUE,
            dtype=self._dtype(),
            nodata=nodata,
            fill=nodata,
            long_name="range of elevation",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return tuple(
            StoredArray(
                name=name,
                dtype=self.base.dtype,
                nodata=self.base.nodata,
                fill=self.base.fill,
                long_name=f"{name} of elevation",
                unit="terrain",
            )
            for name in ("min", "max")
        )

    def _dtype(self) -> np.dtype[Any]:
        if self.base.is_float:
            return np.dtype(np.float64)
        return np.dtype(f"i{min(2 * self.base.dtype.itemsize, 8)}")

    def lift(self, cells: Cells) -> Parts:
        return {"min": cells, "max": cells}

    def zoom(self, parts: Parts) -> Parts:
        lower, higher = Pick("min", self.base), Pick("max", self.base)
        return zoom_blocks(
            parts,
            lambda one, other: {
                "min": lower(one["min"], other["min"]),
                "max": higher(one["max"], other["max"]),
            },
        )

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        low, high = parts["min"], parts["max"]
        with overflow_is_met_later():
            spread = np.subtract(high, low, dtype=self.value.dtype)
        if can_overflow(self.base):
            refuse_overflow("range", spread, self.base.valid(low))
        if not self.base.is_float:
            spread[~self.base.valid(low)] = self.value.fill
        return {VALUE: spread, **parts}

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return {name: arrays[name] for name in ("min", "max")} if level else None

    @property
    def keeps_cells(self) -> bool:
        return False
