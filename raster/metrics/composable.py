"""A metric of one's own whose parts merge: level k is the metric of the native cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray, Unit
from raster.metrics.returned import check_part_names, check_returned, read_only, result_type, stored_dtype
from raster.metrics.sum import HAS_DATA
from raster.zoom import Parts, add_parts, zoom_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a composable metric knows of each block: of a single cell by `lift`, of more by merging.

    lift : callable
        Values of single cells, from these in float64: an array of their shape, and of `dtype`. What
        it makes of nodata does not matter.
    neutral : what a block without valid cells has; merging it with another changes nothing
    dtype : numpy's name of an integer or float of 8 to 64 bits
    """

    lift: Callable[[Cells], Cells]
    neutral: int | float = 0
    dtype: str = "float64"
    long_name: str = ""
    unit: Unit = "terrain"

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """`dtype` as numpy's object."""
        return stored_dtype(self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composable:
    """A metric of the valid native cells of each 2^k block, kept as parts that merge.

    Block, edge and nodata as for `Extreme`: `finish` need not care for blocks without valid cells,
    they become nodata whatever it returns. Parts are stored beside the value from level 1 up, under
    their names. Level 0 follows the same rule with blocks of one cell. Nothing that the functions
    get may be written to.

    name : how REST, CLI and Zarr call it, `[a-z][a-z0-9_-]*`
    parts : by name
    finish : callable
        The value of each block from its parts: an array of their shape, and of `dtype`. Nodata
        is no value: a block with valid cells must not get it.
    cell_methods : what CF calls it, such as `area: root_mean_square`
    merge : callable
        Parts of two blocks, element by element, to those of both; associative. Default: their sums.
    dtype : numpy's name; nodata is NaN, or the lowest signed or highest unsigned integer
    """

    name: str
    parts: Mapping[str, Part]
    finish: Callable[[Parts], Cells]
    cell_methods: str
    merge: Callable[[Parts, Parts], Parts] = add_parts
    dtype: str = "float64"
    long_name: str = ""
    unit: Unit = "terrain"

    def __post_init__(self) -> None:
        check_part_names(self.parts)
        for dtype in (self.dtype, *(part.dtype for part in self.parts.values())):
            stored_dtype(dtype)

    @property
    def is_stepwise(self) -> bool:
        return False

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _ComposableReduction(self, base, result_type(stored_dtype(self.dtype)))


@dataclass(frozen=True, slots=True)
class _ComposableReduction:
    metric: Composable
    base: CellType
    result: CellType

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=self.result.dtype,
            nodata=self.result.nodata,
            fill=self.result.fill,
            long_name=self.metric.long_name or f"{self.metric.name} of elevation",
            unit=self.metric.unit,
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return tuple(
            StoredArray(
                name=name,
                dtype=part.numpy_dtype,
                nodata=None,
                fill=part.numpy_dtype.type(part.neutral).item(),
                long_name=part.long_name or name,
                unit=part.unit,
            )
            for name, part in self.metric.parts.items()
        )

    def lift(self, cells: Cells) -> Parts:
        valid = self.base.valid(cells)
        numbers = read_only(cells.astype(np.float64))
        parts: Parts = {HAS_DATA: valid}
        for name, part in self.metric.parts.items():
            with np.errstate(all="ignore"):
                lifted = part.lift(numbers)
            check_returned(f"lift of part {name!r}", lifted, cells.shape, part.numpy_dtype)
            parts[name] = np.full(cells.shape, part.neutral, part.numpy_dtype)
            np.copyto(parts[name], lifted, where=valid)
        return parts

    def zoom(self, parts: Parts) -> Parts:
        return zoom_blocks(parts, self._merge)

    def _merge(self, one: Parts, other: Parts) -> Parts:
        with np.errstate(all="ignore"):
            merged = self.metric.merge(self._own(one), self._own(other))
        if merged.keys() != self.metric.parts.keys():
            raise ValueError(f"merge gives parts {sorted(merged)}, not {sorted(self.metric.parts)}")
        for name, part in self.metric.parts.items():
            check_returned(f"merge of part {name!r}", merged[name], one[name].shape, part.numpy_dtype)
        return {HAS_DATA: one[HAS_DATA] | other[HAS_DATA], **merged}

    def _own(self, parts: Parts) -> Parts:
        return {name: read_only(parts[name]) for name in self.metric.parts}

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        own, has_data = self._own(parts), parts[HAS_DATA]
        with np.errstate(all="ignore"):
            values = self.metric.finish(own)
        check_returned("finish", values, has_data.shape, self.result.dtype)
        if (has_data & ~self.result.valid(values)).any():
            raise ValueError(f"finish gives nodata, {self.result.nodata}, for a block with valid cells")
        return {VALUE: np.where(has_data, values, values.dtype.type(self.result.fill)), **own}

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        if not level:
            return None
        own = {name: arrays[name] for name in self.metric.parts}
        return {HAS_DATA: self.result.valid(arrays[VALUE]), **own}

    @property
    def keeps_cells(self) -> bool:
        return False
