"""The metric median."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.metrics.mean import mean_dtype
from raster.zoom import Parts, block_planes, zoom_bands


@dataclass(frozen=True, slots=True)
class Median:
    """The median of the valid cells of each 2x2 block of the level below.

    Block: cells [2i, 2i + 2) of each axis of the level below, so level k is not the median of the
    native cells. Edge: blocks cut by the lower or right edge use the cells they have. Nodata:
    ignored; a block without valid cells is NaN. Of one or three valid cells the middle one; of two
    or four half of one middle cell plus half of the other, in float64. Result: float32 for integers
    of up to 16 bits and float32 (rounded to nearest even at every level), else float64; nodata NaN.
    Level 0 is the terrain itself. Stepwise, no companions.
    """

    @property
    def name(self) -> str:
        return "median"

    @property
    def cell_methods(self) -> str:
        return "area: median (comment: of 2 x 2 cells of the level below)"

    @property
    def is_stepwise(self) -> bool:
        return True

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _MedianReduction(base)


@dataclass(frozen=True, slots=True)
class _MedianReduction:
    base: CellType

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=mean_dtype(self.base),
            nodata=math.nan,
            fill=math.nan,
            long_name="median of elevation, level by level",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return ()

    def lift(self, cells: Cells) -> Parts:
        values = cells.astype(self.value.dtype, copy=False)
        if not self.base.is_float and self.base.nodata is not None:
            values[cells == self.base.nodata] = math.nan
        return {VALUE: values}

    def zoom(self, parts: Parts) -> Parts:
        return zoom_bands(parts, lambda band: {VALUE: _medians(band[VALUE])})

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        return parts

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return dict(arrays)

    @property
    def keeps_cells(self) -> bool:
        return self.value.dtype == self.base.dtype


def _medians(cells: Cells) -> Cells:
    """The median of each 2x2 block, NaN ignored."""
    one, two, three, four = planes = block_planes(cells, math.nan)
    # fmin and fmax pass by a NaN, so a pair of one valid cell is low and high at once
    low = np.fmax(np.fmin(one, two), np.fmin(three, four))
    high = np.fmin(np.fmax(one, two), np.fmax(three, four))
    medians = np.multiply(low, 0.5, dtype=np.float64)
    medians += np.multiply(high, 0.5, dtype=np.float64)
    values = medians.astype(cells.dtype, copy=False)
    # of three cells, though, low and high are not the middle one
    odd = np.add.reduce([np.isnan(plane) for plane in planes], dtype=np.uint8) == 1
    if odd.any():
        values[odd] = np.sort([plane[odd] for plane in planes], axis=0)[1]
    return values
