"""The metric count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.zoom import Parts, add_parts, zoom_blocks


def count_array(name: str, cell_count: int) -> StoredArray:
    """The stored array of a number of cells, of the smallest type that holds `cell_count`."""
    return StoredArray(
        name=name,
        # by its name: of numpy's two unsigned 64-bit types this one is not known to zarr
        dtype=np.dtype(np.min_scalar_type(cell_count).name),
        nodata=None,
        fill=0,
        long_name="number of valid cells",
        unit="1",
    )


@dataclass(frozen=True, slots=True)
class Count:
    """The number of valid cells in each block.

    Block and edge as for `Extreme`. Nodata: not counted; a block without valid cells is 0, and
    the result has no nodata. Result: the smallest unsigned integer that holds the number of the
    terrain's cells, exact. Level 0 is 1 or 0. Composable, no companions.
    """

    @property
    def name(self) -> str:
        return "count"

    @property
    def cell_methods(self) -> str:
        return "area: sum (comment: of valid cells)"

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _CountReduction(base, count_array(VALUE, cell_count))


@dataclass(frozen=True, slots=True)
class _CountReduction:
    base: CellType
    value: StoredArray

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return ()

    def lift(self, cells: Cells) -> Parts:
        return {VALUE: self.base.valid(cells).astype(self.value.dtype)}

    def zoom(self, parts: Parts) -> Parts:
        return zoom_blocks(parts, add_parts)

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        return parts

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return dict(arrays)

    @property
    def keeps_cells(self) -> bool:
        return False
