"""What a metric is.

A `Metric` is the named rule. Bound to a terrain's cell type it is a `Reduction`: `lift` turns
native cells into parts, `zoom` makes one 2x2 step on parts, `finish` turns parts into the
arrays that are stored. A composable metric's parts merge exactly, so level k is the metric of
the native cells in each 2^k block, never a mean of means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from raster.cells import Cells, CellType, Nodata
from raster.zoom import Parts

VALUE = "elevation"
"""The array of a pyramid's values, whatever the metric: GDAL needs one name at every level."""

Unit = Literal["terrain", "terrain squared", "1"]
"""What an array is measured in: the terrain's unit, its square, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArray:
    """One array of a level: its name, dtype, nodata, and what unwritten cells read as."""

    name: str
    dtype: np.dtype[Any]
    nodata: Nodata
    fill: int | float
    long_name: str
    unit: Unit

    def is_empty(self, cells: Cells) -> bool:
        """Whether every cell equals `fill`, so that nothing needs to be stored."""
        if isinstance(self.fill, float) and math.isnan(self.fill):
            return bool(np.isnan(cells).all())
        return bool((cells == self.dtype.type(self.fill)).all())


class Reduction(Protocol):
    """A metric bound to the cell type and size of one terrain."""

    @property
    def value(self) -> StoredArray:
        """The array of the pyramid's values, stored at every level."""

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        """Parts that the value does not contain: stored beside it from level 1 up."""

    def lift(self, cells: Cells) -> Parts:
        """Parts of each single cell: (height, width) of the base type -> parts of that shape."""

    def zoom(self, parts: Parts) -> Parts:
        """One 2x2 step: parts of (height, width) -> parts of (ceil(height/2), ceil(width/2))."""

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        """The stored arrays of a level by name, each of the dtype its `StoredArray` says."""

    @property
    def keeps_cells(self) -> bool:
        """Whether level 0 is the terrain itself, in its own dtype and nodata."""

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        """Parts of a level from the arrays stored at it; None when they do not hold them."""


class Metric(Protocol):
    """A named reduction of one zoom step."""

    @property
    def name(self) -> str:
        """How REST, CLI and Zarr call it."""

    @property
    def cell_methods(self) -> str:
        """What CF calls it."""

    @property
    def is_stepwise(self) -> bool:
        """True when level k is a function of level k - 1, not of the native cells."""

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        """The reduction of a terrain with cells of type `base`, `cell_count` of them."""
