"""Heights as colours: terrain-rgb and terrarium, numbers of 24 bits in red, green and blue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.rendering.heights import Heights
from service.rendering.styles import HeightCode
from service.rendering.units import require_metres

HIGHEST_NUMBER = 2**24 - 1


@dataclass(frozen=True, slots=True)
class Code:
    """Number 0 is `lowest` metres; each following one is 1 / `steps_per_m` higher."""

    lowest: float
    steps_per_m: float

    @property
    def highest(self) -> float:
        return self.lowest + HIGHEST_NUMBER / self.steps_per_m


CODES: Mapping[str, Code] = MappingProxyType(
    {"terrain-rgb": Code(-10000.0, 10.0), "terrarium": Code(-32768.0, 256.0)}
)
"""Those of Mapbox and of Mapzen: what MapLibre calls mapbox and terrarium."""


def encode_heights(style: HeightCode, heights: Heights) -> NDArray[np.uint8]:
    """Red, green and blue of heights, rounded to the nearest number of the code.

    Heights beyond the code's ends become its ends, and nodata the style's `nodata_height`.

    Returns
    -------
    (height, width, 3) uint8, border included

    Raises
    ------
    HeightUnitUnknown
        Nobody knows how many metres the values are.
    """
    metres = require_metres(style.name, heights.unit)
    code = CODES[style.name]
    # float32 has too few digits for the terrarium's 24 bits
    numbers = heights.values.astype(np.float64)
    if metres != 1.0:
        numbers *= metres
    if not heights.valid.all():
        numbers[~heights.valid] = style.nodata_height
    return _colours(numbers, code)


def blank_heights(style: HeightCode, side: int) -> NDArray[np.uint8]:
    """A picture of `side` cells and the border, all nodata: (height, width, 3) uint8."""
    full = side + 2 * style.border
    return _colours(np.full((full, full), style.nodata_height), CODES[style.name])


def _colours(metres: NDArray[np.floating[Any]], code: Code) -> NDArray[np.uint8]:
    metres -= code.lowest
    metres *= code.steps_per_m
    np.rint(metres, out=metres)
    np.clip(metres, 0, HIGHEST_NUMBER, out=metres)
    numbers = metres.astype(np.uint32).astype(">u4")
    return numbers.view(np.uint8).reshape(*numbers.shape, 4)[..., 1:]
