"""The metric mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from raster.cells import Cells, CellType
from raster.metrics.interface import VALUE, Reduction, StoredArray
from raster.zoom import Parts, block_planes, zoom_bands


@dataclass(frozen=True, slots=True)
class Mode:
    """The most frequent valid cell of each 2x2 block of the level below.

    Block and edge as for `Median`, so level k is not the mode of the native cells. Nodata: ignored;
    a block without valid cells is nodata. Ties: the lowest of the most frequent cells; -0.0 and 0.0
    are one value, either may stand for it. Result: dtype and nodata of the terrain's base type,
    exact. Level 0 is the terrain itself. Stepwise, no companions.
    """

    @property
    def name(self) -> str:
        return "mode"

    @property
    def cell_methods(self) -> str:
        return "area: mode (comment: of 2 x 2 cells of the level below)"

    @property
    def is_stepwise(self) -> bool:
        return True

    def bind(self, base: CellType, cell_count: int) -> Reduction:
        return _ModeReduction(base)


@dataclass(frozen=True, slots=True)
class _ModeReduction:
    base: CellType

    @property
    def value(self) -> StoredArray:
        return StoredArray(
            name=VALUE,
            dtype=self.base.dtype,
            nodata=self.base.nodata,
            fill=self.base.fill,
            long_name="most frequent elevation, level by level",
            unit="terrain",
        )

    @property
    def companions(self) -> tuple[StoredArray, ...]:
        return ()

    def lift(self, cells: Cells) -> Parts:
        return {VALUE: cells}

    def zoom(self, parts: Parts) -> Parts:
        return zoom_bands(parts, lambda band: {VALUE: self._modes(band[VALUE])})

    def _modes(self, cells: Cells) -> Cells:
        planes = block_planes(cells, self.base.fill)
        frequencies = _frequencies(planes, block_planes(self.base.valid(cells), missing=False))
        modes, highest = planes[0].copy(), frequencies[0]
        for plane, frequency in zip(planes[1:], frequencies[1:], strict=True):
            wins = frequency > highest
            wins |= (frequency == highest) & (plane < modes)
            np.copyto(modes, plane, where=wins)
            highest = np.maximum(highest, frequency)
        return modes

    def finish(self, parts: Parts) -> Mapping[str, Cells]:
        return parts

    def resume(self, level: int, arrays: Mapping[str, Cells]) -> Parts | None:
        return dict(arrays)

    @property
    def keeps_cells(self) -> bool:
        return True


def _frequencies(planes: tuple[Cells, ...], valid: tuple[Cells, ...]) -> list[Cells]:
    """How often each cell of a block occurs in it, 0 for an invalid one."""
    frequencies = [each.astype(np.uint8) for each in valid]
    for one, other in combinations(range(len(planes)), 2):
        equal = planes[one] == planes[other]
        equal &= valid[one]
        equal &= valid[other]
        frequencies[one] += equal
        frequencies[other] += equal
    return frequencies
