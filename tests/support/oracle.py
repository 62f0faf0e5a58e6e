"""The answer by brute force: every cell of every level straight from the native cells, in plain numpy.

Nothing here is imported from the project, and no level is made from another one, but for the metrics
that are defined so: those are read literally, block by block.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NativeCells:
    """A terrain's native cells: values, and where they are measurements.

    What no level changes is made once: the cells with invalid ones replaced by what changes no result.
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_]

    @property
    def level_count(self) -> int:
        count, side = 1, max(self.values.shape)
        while side > 1:
            side, count = math.ceil(side / 2), count + 1
        return count

    def count(self, level: int) -> NDArray[np.int64]:
        return _reduce(self.valid, level, partial(np.add.reduce, dtype=np.int64))

    def extreme(self, level: int, metric: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """max or min of each block, and where there is one."""
        if metric == "max":
            found = _reduce(self._for_max, level, np.maximum.reduce)
        else:
            found = _reduce(self._for_min, level, np.minimum.reduce)
        return found, _reduce(self.valid, level, np.logical_or.reduce)

    def mean(self, level: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Mean of each block in float64, and where there is one. Integers are summed exactly."""
        wide = np.int64 if self.values.dtype.kind in "iu" else np.float64
        sums = _reduce(self._for_sum, level, partial(np.add.reduce, dtype=wide))
        count = self.count(level)
        with np.errstate(invalid="ignore"):
            return sums / np.where(count, count, 1), count > 0

    def sum(self, level: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Sum of each block, exact for integers, and where there is one."""
        wide = np.int64 if self.values.dtype.kind in "iu" else np.float64
        return _reduce(self._for_sum, level, partial(np.add.reduce, dtype=wide)), self.count(level) > 0

    def std(self, level: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Standard deviation of each block in two passes: the mean first, then what deviates from it."""
        means, has_data = self.mean(level)
        height, width = self.values.shape
        spread = means.repeat(2**level, axis=0)[:height].repeat(2**level, axis=1)[:, :width]
        squares = np.where(self.valid, (self._for_sum - spread) ** 2, 0)
        return np.sqrt(_reduce(squares, level, np.add.reduce) / np.maximum(self.count(level), 1)), has_data

    def range(self, level: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Highest minus lowest of each block, and where there is one."""
        wide = np.int64 if self.values.dtype.kind in "iu" else np.float64
        highest, has_data = self.extreme(level, "max")
        return np.where(has_data, highest.astype(wide) - self.extreme(level, "min")[0], 0), has_data

    def stepwise(
        self, level: int, choose: Callable[[list[Any]], Any], dtype: np.dtype[Any]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What `choose` makes of the valid cells of 2x2 blocks, level by level, in `dtype`."""
        values, valid = self._for_sum.astype(dtype), self.valid
        for _ in range(level):
            shape = math.ceil(values.shape[0] / 2), math.ceil(values.shape[1] / 2)
            below, below_valid = values, valid
            values, valid = np.zeros(shape, dtype), np.zeros(shape, bool)
            for row, col in np.ndindex(shape):
                block = np.s_[2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
                cells = below[block][below_valid[block]].tolist()
                if cells:
                    values[row, col], valid[row, col] = choose(cells), True
        return values, valid

    def level(self, metric: str, level: int, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """A level under a metric, stepwise ones stored as `dtype`; and where there is a value."""
        if metric in ("max", "min"):
            return self.extreme(level, metric)
        if metric in STEPWISE:
            return self.stepwise(level, STEPWISE[metric], dtype)
        if metric == "count":
            count = self.count(level)
            return count, np.ones(count.shape, bool)
        of_metric = {"mean": self.mean, "sum": self.sum, "std": self.std, "range": self.range}
        return of_metric[metric](level)

    @property
    def _limits(self) -> tuple[float, float]:
        if self.values.dtype.kind == "f":
            return -np.inf, np.inf
        return np.iinfo(self.values.dtype).min, np.iinfo(self.values.dtype).max

    @cached_property
    def _for_max(self) -> NDArray[Any]:
        return self._filled(self._limits[0])

    @cached_property
    def _for_min(self) -> NDArray[Any]:
        return self._filled(self._limits[1])

    @cached_property
    def _for_sum(self) -> NDArray[Any]:
        return self._filled(0)

    def _filled(self, neutral: float) -> NDArray[Any]:
        return np.where(self.valid, self.values, self.values.dtype.type(neutral))


def _lowest_mode(cells: list[Any]) -> Any:
    return min(statistics.multimode(cells))


STEPWISE: dict[str, Callable[[list[Any]], Any]] = {"median": statistics.median, "mode": _lowest_mode}
"""What stepwise metrics make of the valid cells of a block."""


def _reduce(cells: NDArray[Any], level: int, reduction: Callable[..., NDArray[Any]]) -> NDArray[Any]:
    """The native cells of each 2^k block reduced to one, those of the edges as far as there are any."""
    if level == 0:
        return reduction(cells[None], axis=0)
    # rows, then columns as rows: numpy is slow along short contiguous axes
    rows = _reduce_rows(cells, 2**level, reduction)
    return _reduce_rows(np.ascontiguousarray(rows.T), 2**level, reduction).T


def _reduce_rows(cells: NDArray[Any], side: int, reduction: Callable[..., NDArray[Any]]) -> NDArray[Any]:
    """Each `side` rows reduced to one, the rest at the end too."""
    whole = cells.shape[0] // side * side
    strips = cells[:whole].reshape(whole // side, side, cells.shape[1])
    reduced = reduction(strips, axis=1)
    rest = cells[whole:]
    return np.concatenate([reduced, reduction(rest, axis=0)[None]]) if len(rest) else reduced


@dataclass(frozen=True)
class OracleTile:
    """A tile as the oracle knows it: place of its upper-left cell, cells, sentinel."""

    row: int
    col: int
    cells: NDArray[Any]
    nodata: float | None = None

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        valid = np.ones(self.cells.shape, dtype=bool)
        if self.nodata is not None and not math.isnan(self.nodata):
            valid &= self.cells != self.cells.dtype.type(self.nodata)
        if self.cells.dtype.kind == "f":
            valid &= np.isfinite(self.cells)
        return valid


def paint(tiles: list[OracleTile]) -> NativeCells:
    """The box around the tiles; later tiles win wherever they have data."""
    top, left = min(t.row for t in tiles), min(t.col for t in tiles)
    bottom = max(t.row + t.cells.shape[0] for t in tiles)
    right = max(t.col + t.cells.shape[1] for t in tiles)
    dtype = np.result_type(*(t.cells.dtype for t in tiles))
    values = np.zeros((bottom - top, right - left), dtype)
    valid = np.zeros(values.shape, dtype=bool)
    for tile in tiles:
        row, col = tile.row - top, tile.col - left
        place = np.s_[row : row + tile.cells.shape[0], col : col + tile.cells.shape[1]]
        values[place][tile.valid] = tile.cells[tile.valid]
        valid[place] |= tile.valid
    return NativeCells(values, valid)
