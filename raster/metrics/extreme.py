"""The metrics max and min."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.zoom import Parts, zoom_blocks


@dataclass(frozen=True, slots=True)
class Extreme:
    """The highest (max) or lowest (min) valid cell of each block.

    Block: cells [2^k i, 2^k (i + 1)) of each axis at level k. Edge: blocks cut by the lower or
    right edge use the cells they have. Nodata: ignored; a block without valid cells is nodata.
    Ties: equal values, nothing to choose (of -0.0 and 0.0 either). Result: dtype and nodata of
    the terrain's base type, exact. Level 0 is the terrain itself. Composable, no companions.
    """

    name: Literal["max", "min"]

    @property
    def cell_methods(self) -> str:
        return "area: maximum" if self.name == "max" else "area: minimum"

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _ExtremeReduction(self.name, base)


@dataclass(frozen=True, slots=True)
class _ExtremeReduction:
    name: Literal["max", "min"]
    base: CellType

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=self.base.dtype,
            nodata=self.base.nodata,
            fill=self.base.fill,
            long_name=f"{self.name} of elevation",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return ()

    def lift(self, cells: Cells) -> Parts:
        return {VALUE: cells}

    def zoom(self, parts: Parts) -> Parts:
        pick = Pick(self.name, self.base)
        return zoom_blocks(parts, lambda one, other: {VALUE: pick(one[VALUE], other[VALUE])})

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        return parts

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return dict(arrays)

    @property
    def keeps_cells(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Pick:
    """The higher (max) or lower (min) of two cells; the valid one where the other is nodata."""

    name: Literal["max", "min"]
    base: CellType

    def __call__(self, one: Cells, other: Cells) -> Cells:
        """Element by element, in new memory."""
        picked = self._compare(one, other)
        if self._needs_mask():
            np.copyto(picked, other, where=one == self.base.nodata)
            np.copyto(picked, one, where=other == self.base.nodata)
        return picked

    def _compare(self, one: Cells, other: Cells) -> Cells:
        # fmax and fmin take the other operand where one is NaN
        if self.base.is_float:
            return np.fmax(one, other) if self.name == "max" else np.fmin(one, other)
        return np.maximum(one, other) if self.name == "max" else np.minimum(one, other)

    def _needs_mask(self) -> bool:
        """Whether nodata would win a plain comparison against a valid cell."""
        if self.base.is_float or self.base.nodata is None:
            return False
        info = np.iinfo(self.base.dtype)
        return self.base.nodata != (info.min if self.name == "max" else info.max)
