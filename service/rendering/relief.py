"""Relief: gradients by Horn's method, and light and steepness made of them.

B. K. P. Horn, "Hill shading and the reflectance map", Proc. IEEE 69 (1981), doi:10.1109/PROC.1981.11918.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.rendering.heights import GroundSize, Heights, Values
from service.rendering.styles import Hillshade


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """Rise per metre of ground towards east and towards south, (height, width) each."""

    east: Values
    south: Values


def gradient_of(heights: Heights, exaggeration: float = 1.0) -> Gradient:
    """Horn's gradient of the cells inside a halo of one.

    Rows and columns of the nine cells that lack values on one side count with their other side, and
    those that lack more do not count: a plane stays one up to its edge. Values of an unknown unit
    are taken for metres.
    """
    east, south = _differences(heights) if heights.valid.all() else _careful_differences(heights)
    rise = exaggeration * (1.0 if heights.metres_per_unit is None else heights.metres_per_unit) / 8.0
    east *= rise / _by_row(heights.cell_width_m, east.dtype)
    south *= rise / _by_row(heights.cell_height_m, south.dtype)
    return Gradient(east, south)


def shade_of(gradient: Gradient, light: Hillshade) -> Values:
    """The cosine of the angle between light and ground, (height, width); 0 and less is shadow."""
    azimuth, altitude = math.radians(light.azimuth), math.radians(light.altitude)
    to_east, to_north = (along * math.cos(altitude) for along in (math.sin(azimuth), math.cos(azimuth)))
    shade = gradient.south * to_north
    shade -= gradient.east * to_east
    shade += math.sin(altitude)
    shade /= _length_of_normal(gradient)
    return shade


def slope_of(gradient: Gradient) -> Values:
    """Degrees from the horizontal, (height, width)."""
    slope: Values = np.degrees(np.arctan(np.hypot(gradient.east, gradient.south)))
    return slope


def _length_of_normal(gradient: Gradient) -> Values:
    length = gradient.east * gradient.east
    length += gradient.south * gradient.south
    length += 1.0
    return np.sqrt(length, out=length)


def _differences(heights: Heights) -> tuple[Values, Values]:
    """Eight times the rise over one cell, eastwards and southwards."""
    values = _floating(heights.values)
    # differences first: they keep the digits that sums of heights would lose
    along = values[:, 2:] - values[:, :-2]
    down = values[2:] - values[:-2]
    east = along[1:-1] * 2
    east += along[:-2]
    east += along[2:]
    south = down[:, 1:-1] * 2
    south += down[:, :-2]
    south += down[:, 2:]
    return east, south


def _careful_differences(heights: Heights) -> tuple[Values, Values]:
    """The same where some cells have no value."""
    values = np.where(heights.valid, _floating(heights.values), 0)
    return _eastwards(values, heights.valid), _eastwards(values.T, heights.valid.T).T


def _eastwards(values: Values, valid: NDArray[np.bool_]) -> Values:
    """The rise over two cells of each of three rows, or twice that over one; then four times their mean."""
    left, middle, right = valid[:, :-2], valid[:, 1:-1], valid[:, 2:]
    ahead, behind = values[:, 2:] - values[:, 1:-1], values[:, 1:-1] - values[:, :-2]
    has_ahead, has_behind = right & middle, left & middle
    # without a middle, which is 0 then, the sum of the two is still the rise from left to right
    rise = np.where(has_ahead, ahead, behind) + np.where(has_behind, behind, ahead)
    known = (has_ahead | has_behind | (left & right)).astype(values.dtype)
    rise = np.where(left & right, ahead + behind, rise) * known
    weight = known[:-2] + 2 * known[1:-1] + known[2:]
    total: Values = rise[:-2] + 2 * rise[1:-1] + rise[2:]
    total *= 4 / np.maximum(weight, 1)
    return total


def _floating(values: NDArray[Any]) -> Values:
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _by_row(size: GroundSize, dtype: np.dtype[Any]) -> NDArray[np.floating[Any]]:
    """The size of the cells inside the halo, to divide rows by."""
    if isinstance(size, np.ndarray):
        return size[1:-1, np.newaxis].astype(dtype)
    return np.array(size, dtype=dtype)
