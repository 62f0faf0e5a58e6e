"""The answer by brute force: every cell of every level straight from the native cells, in plain numpy.

Nothing here is imported from the project, and no level is made from another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NativeCells:
    """A terrain's native cells: values, and where they are measurements."""

    values: NDArray[Any]
    valid: NDArray[np.bool_]

    @property
    def level_count(self) -> int:
        count, side = 1, max(self.values.shape)
        while side > 1:
            side, count = math.ceil(side / 2), count + 1
        return count

    def blocks(self, level: int, neutral: Any) -> NDArray[Any]:
        """(rows, 2^k, cols, 2^k): the native cells of each block, invalid and outside ones `neutral`."""
        side = 2**level
        height, width = self.values.shape
        rows, cols = math.ceil(height / side), math.ceil(width / side)
        padded = np.full((rows * side, cols * side), neutral, dtype=self.values.dtype)
        padded[:height, :width][self.valid] = self.values[self.valid]
        return padded.reshape(rows, side, cols, side)

    def count(self, level: int) -> NDArray[np.int64]:
        counts: NDArray[np.int64] = (
            NativeCells(self.valid.astype(np.int64), self.valid).blocks(level, 0).sum((1, 3))
        )
        return counts

    def extreme(self, level: int, metric: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """max or min of each block, and where there is one."""
        if self.values.dtype.kind == "f":
            low, high = -np.inf, np.inf
        else:
            low, high = np.iinfo(self.values.dtype).min, np.iinfo(self.values.dtype).max
        found = (
            self.blocks(level, low).max((1, 3)) if metric == "max" else self.blocks(level, high).min((1, 3))
        )
        return found, self.count(level) > 0

    def mean(self, level: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Mean of each block in float64, and where there is one. Integers are summed exactly."""
        wide = self.values.astype(np.int64 if self.values.dtype.kind in "iu" else np.float64)
        sums = NativeCells(wide, self.valid).blocks(level, 0).sum((1, 3))
        count = self.count(level)
        with np.errstate(invalid="ignore"):
            return sums / np.where(count, count, 1), count > 0


@dataclass(frozen=True)
class OracleTile:
    """A tile as the oracle knows it: place of its upper-left cell, cells, sentinel."""

    row: int
    col: int
    cells: NDArray[Any]
    nodata: float | None = None

    @property
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
        for i in range(tile.cells.shape[0]):
            ok = tile.valid[i]
            where = slice(tile.col - left, tile.col - left + tile.cells.shape[1])
            values[tile.row - top + i, where][ok] = tile.cells[i][ok]
            valid[tile.row - top + i, where][ok] = True
    return NativeCells(values, valid)
