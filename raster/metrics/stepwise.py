"""A metric of one's own that looks at 2x2 blocks of the level below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.metrics.returned import check_returned, result_type, stored_dtype
from raster.zoom import Parts, block_planes, zoom_bands


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepwise:
    """A function of the valid cells of each 2x2 block of the level below.

    Block, edge and nodata as for `Median`: the function need not care for blocks without valid
    cells, they become nodata whatever it returns. Level 0 is the terrain itself, as `dtype`.

    name : how REST, CLI and Zarr call it, `[a-z][a-z0-9_-]*`
    function : callable
        From blocks, (height, width, 4) of the level below's values (upper left, upper right, lower
        left, lower right), and where these are valid, booleans of that shape, to the block's value:
        (height, width), of the blocks' dtype. Cells beyond an edge are invalid; what invalid ones
        hold does not matter. Nodata is no value: a block with valid cells must not get it.
    cell_methods : what CF calls it, such as `area: median`
    dtype : numpy's name of a type that holds every cell of the terrain; default the terrain's own
    """

    name: str
    function: Callable[[Cells, Cells], Cells]
    cell_methods: str
    dtype: str | None = None
    long_name: str = ""

    def __post_init__(self) -> None:
        if self.dtype is not None:
            stored_dtype(self.dtype)

    @property
    def is_stepwise(self) -> bool:
        return True

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        dtype = base.dtype if self.dtype is None else stored_dtype(self.dtype)
        if dtype == base.dtype:
            return _StepwiseReduction(self, base, base)
        if not np.can_cast(base.dtype, dtype, "safe"):
            raise ValueError(f"{dtype} does not hold every cell of a terrain of {base.dtype}")
        return _StepwiseReduction(self, base, result_type(dtype))


@dataclass(frozen=True, slots=True)
class _StepwiseReduction:
    metric: Stepwise
    base: CellType
    result: CellType

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=self.result.dtype,
            nodata=self.result.nodata,
            fill=self.result.fill,
            long_name=self.metric.long_name or f"{self.metric.name} of elevation, level by level",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return ()

    def lift(self, cells: Cells) -> Parts:
        if self.keeps_cells:
            return {VALUE: cells}
        values = cells.astype(self.result.dtype)
        values[~self.base.valid(cells)] = self.result.fill
        return {VALUE: values}

    def zoom(self, parts: Parts) -> Parts:
        return zoom_bands(parts, lambda band: {VALUE: self._values(band[VALUE])})

    def _values(self, cells: Cells) -> Cells:
        blocks = np.stack(block_planes(cells, self.result.fill), axis=-1)
        valid = np.stack(block_planes(self.result.valid(cells), missing=False), axis=-1)
        has_data = valid.any(axis=-1)
        with np.errstate(all="ignore"):
            values = self.metric.function(blocks, valid)
        check_returned("the function", values, has_data.shape, self.result.dtype)
        if (has_data & ~self.result.valid(values)).any():
            raise ValueError(f"the function gives nodata, {self.result.nodata}, for a block with valid cells")
        return np.where(has_data, values, values.dtype.type(self.result.fill))

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        return parts

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return dict(arrays)

    @property
    def keeps_cells(self) -> bool:
        return self.result == self.base
