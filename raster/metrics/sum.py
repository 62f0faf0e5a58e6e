"""The metric sum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.metrics.overflow import can_overflow, overflow_is_met_later, refuse_overflow
from raster.zoom import Parts, zoom_blocks

LARGEST_SOURCE_INTEGER = 2**32 - 1
"""Tiles hold at most 32-bit integers, also where their promotion is int64."""

SUM = "sum"
HAS_DATA = "has_data"


def sum_dtype(base: CellType, cell_count: int) -> np.dtype[Any]:
    """int64, which is exact; float64 for floats and where the cells' sum could leave int64.

    No sum in int64 equals its lowest value.
    """
    if base.is_float:
        return np.dtype(np.float64)
    highest = min(int(np.iinfo(base.dtype).max), LARGEST_SOURCE_INTEGER)
    fits = (highest + 1) * cell_count <= np.iinfo(np.int64).max
    return np.dtype(np.int64 if fits else np.float64)


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of the valid cells of each block.

    Block and edge as for `Extreme`. Nodata: ignored; a block without valid cells is nodata, not 0.
    Result: int64, exact, nodata its lowest value; float64, nodata NaN, for floats and for 32-bit
    terrains of more cells than int64 could sum. Floats are added in pairs, rows before columns,
    level by level; cells of float64 whose sum leaves its range, at any level and on the way to it, are
    refused: `MetricOverflow`. Level 0 is the terrain itself. Composable, no companions: the value
    tells which blocks are empty.
    """

    @property
    def name(self) -> str:
        return "sum"

    @property
    def cell_methods(self) -> str:
        return "area: sum"

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _SumReduction(base, sum_dtype(base, cell_count))


@dataclass(frozen=True, slots=True)
class _SumReduction:
    base: CellType
    dtype: np.dtype[Any]

    @property
    def result(self) -> CellType:
        return CellType(self.dtype, math.nan if self.dtype.kind == "f" else int(np.iinfo(self.dtype).min))

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=self.dtype,
            nodata=self.result.nodata,
            fill=self.result.fill,
            long_name="sum of elevation over valid cells",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return ()

    def lift(self, cells: Cells) -> Parts:
        return self._parts(cells, self.base)

    def _parts(self, cells: Cells, kind: CellType) -> Parts:
        has_data = kind.valid(cells)
        total = np.zeros(cells.shape, self.dtype)
        np.copyto(total, cells, where=has_data)
        return {SUM: total, HAS_DATA: has_data}

    def zoom(self, parts: Parts) -> Parts:
        with overflow_is_met_later():
            return zoom_blocks(parts, _merge)

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        total = parts[SUM].copy()
        total[~parts[HAS_DATA]] = self.value.fill
        if can_overflow(self.base):
            refuse_overflow("sum", total, parts[HAS_DATA])
        return {VALUE: total}

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return self._parts(arrays[VALUE], self.result)

    @property
    def keeps_cells(self) -> bool:
        return self.base.is_float and self.base.dtype == self.dtype


def _merge(one: Parts, other: Parts) -> Parts:
    return {SUM: one[SUM] + other[SUM], HAS_DATA: one[HAS_DATA] | other[HAS_DATA]}
