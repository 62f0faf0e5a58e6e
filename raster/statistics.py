"""Statistics of cells: a pure function on arrays, however many and however cut."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from raster.cells import Cells, CellType

HUGE = 2.0**500
"""Above it squares and sums of float64 may overflow; such values are halved often enough first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of the valid cells; None when there are none. `std` is the population's."""

    cell_count: int
    valid_count: int
    min: int | float | None
    max: int | float | None
    mean: float | None
    std: float | None


def summarise(windows: Iterable[Cells], cell_type: CellType) -> Statistics:
    """Statistics of all cells of some arrays.

    Parameters
    ----------
    windows : arrays of `cell_type.dtype`, any shape
        One is in memory at a time when the iterable is lazy.
    cell_type : CellType
        nodata and NaN are left out.

    Returns
    -------
    Statistics
        Integers: exact sums, `mean` and `std` correctly derived from them. Floats: float64,
        window by window (Chan et al. 1983), finite for every finite input.
    """
    summary: _IntegerSummary | _FloatSummary = _FloatSummary() if cell_type.is_float else _IntegerSummary()
    cell_count = 0
    for cells in windows:
        cell_count += cells.size
        valid = cells[cell_type.valid(cells)]
        if valid.size:
            summary.add(valid)
    if summary.count == 0:
        return Statistics(cell_count=cell_count, valid_count=0, min=None, max=None, mean=None, std=None)
    return Statistics(
        cell_count=cell_count,
        valid_count=summary.count,
        min=summary.lowest,
        max=summary.highest,
        mean=summary.mean,
        std=summary.std,
    )


class _IntegerSummary:
    """Exact sums of values and squares, in Python integers between windows."""

    def __init__(self) -> None:
        self.count = 0
        self.lowest: int | None = None
        self.highest: int | None = None
        self._sum = 0
        self._squares = 0

    def add(self, valid: Cells) -> None:
        low, high = int(valid.min()), int(valid.max())
        self.lowest = low if self.lowest is None else min(self.lowest, low)
        self.highest = high if self.highest is None else max(self.highest, high)
        self.count += valid.size
        total, squares = _exact_sums(valid)
        self._sum += total
        self._squares += squares

    @property
    def mean(self) -> float:
        return float(Fraction(self._sum, self.count))

    @property
    def std(self) -> float:
        # n * sum of squares - square of sum is a non-negative integer: nothing cancels
        spread = self.count * self._squares - self._sum**2
        return math.sqrt(Fraction(spread, self.count**2))


def _exact_sums(valid: Cells) -> tuple[int, int]:
    """Sum of values and of squares.

    Halves of 16 bits: sums of their products fit int64 for windows of up to 2^30 cells.
    """
    wide = valid.astype(np.int64)
    high, low = wide >> 16, wide & 0xFFFF
    total = (int(high.sum()) << 16) + int(low.sum())
    squares = int((high * high).sum()) << 32
    squares += int((high * low).sum()) << 17
    return total, squares + int((low * low).sum())


class _FloatSummary:
    """Mean and root mean square deviation, merged window by window without overflow."""

    def __init__(self) -> None:
        self.count = 0
        self.lowest: float | None = None
        self.highest: float | None = None
        self.mean = 0.0
        self.std = 0.0

    def add(self, valid: Cells) -> None:
        low, high = float(valid.min()), float(valid.max())
        self.lowest = low if self.lowest is None else min(self.lowest, low)
        self.highest = high if self.highest is None else max(self.highest, high)
        scale = HUGE if max(abs(low), abs(high)) > HUGE else 1.0
        values = valid.astype(np.float64) / scale
        mean = float(values.mean())
        deviation = float(np.sqrt(np.square(values - mean).mean()))
        self._merge(valid.size, mean * scale, deviation * scale)

    def _merge(self, count: int, mean: float, std: float) -> None:
        """Merge with another sample; `hypot` and weights of at most 1 keep every step finite."""
        total = self.count + count
        own, other = self.count / total, count / total
        distance = math.sqrt(own * other)
        apart = distance * mean - distance * self.mean
        self.std = math.hypot(math.sqrt(own) * self.std, math.sqrt(other) * std, apart)
        self.mean = own * self.mean + other * mean
        self.count = total
