"""Statistics of cells: a pure function on arrays, however many and however cut."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from raster.cells import Cells, CellType

PIECE_CELLS = 2**18
"""Cells that are summed at a time: the copies that takes stay small and in the processor's cache."""


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
        nodata, NaN and infinities are left out.

    Returns
    -------
    Statistics
        Integers: exact sums, `mean` and `std` correctly derived from them. Floats: float64,
        piece by piece (Chan et al. 1983), finite for every finite input, `mean` never outside
        [`min`, `max`].
    """
    summary: _IntegerSummary | _FloatSummary = _FloatSummary() if cell_type.is_float else _IntegerSummary()
    cell_count = 0
    for cells in windows:
        cell_count += cells.size
        for piece in _pieces(cells):
            valid = piece[cell_type.valid(piece)]
            if cell_type.is_float:
                valid = valid[np.isfinite(valid)]
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


def _pieces(cells: Cells) -> Iterator[Cells]:
    """The same cells in one dimension, in the order of memory, `PIECE_CELLS` at a time."""
    line = cells.ravel("K")
    for start in range(0, line.size, PIECE_CELLS):
        yield line[start : start + PIECE_CELLS]


class _IntegerSummary:
    """Exact sums of values and squares, in Python integers between pieces."""

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

    Products of 16 bits: sums of them fit int64 for pieces of up to 2^30 cells. Longer values are
    taken in halves.
    """
    wide = valid.astype(np.int64)
    if valid.dtype.itemsize <= 2:
        return int(wide.sum()), int(np.dot(wide, wide))
    high, low = wide >> 16, wide & 0xFFFF
    total = (int(high.sum()) << 16) + int(low.sum())
    squares = int((high * high).sum()) << 32
    squares += int((high * low).sum()) << 17
    return total, squares + int((low * low).sum())


class _FloatSummary:
    """Mean and root mean square deviation, merged piece by piece without overflow."""

    def __init__(self) -> None:
        self.count = 0
        self.lowest = math.inf
        self.highest = -math.inf
        self._mean = 0.0
        self._deviation = 0.0

    def add(self, valid: Cells) -> None:
        low, high = float(valid.min()), float(valid.max())
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        # values in (-1, 1): a power of two changes no digit, and squares neither overflow nor vanish
        _, exponent = math.frexp(max(abs(low), abs(high)))
        values = np.ldexp(valid.astype(np.float64), -exponent)
        mean = float(values.mean())
        deviation = float(np.sqrt(np.square(values - mean).mean()))
        self._merge(valid.size, _ldexp(mean, exponent), _ldexp(deviation, exponent))

    def _merge(self, count: int, mean: float, deviation: float) -> None:
        """Merge with another sample; `hypot` and weights of at most 1 keep every step finite."""
        total = self.count + count
        own, other = self.count / total, count / total
        distance = math.sqrt(own * other)
        apart = distance * mean - distance * self._mean
        self._deviation = math.hypot(math.sqrt(own) * self._deviation, math.sqrt(other) * deviation, apart)
        self._mean = own * self._mean + other * mean
        self.count = total

    @property
    def mean(self) -> float:
        # rounding may leave the range by a digit
        return min(max(self._mean, self.lowest), self.highest)

    @property
    def std(self) -> float:
        # Popoviciu's inequality; of equal cells rounding would make a deviation
        return min(self._deviation, self.highest / 2 - self.lowest / 2)


def _ldexp(value: float, exponent: int) -> float:
    """`math.ldexp`, the largest number where rounding has led one digit beyond it."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(sys.float_info.max, value)
