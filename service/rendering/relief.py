"""Relief: gradients by Horn's method, and light and steepness made of them.

B. K. P. Horn, "Hill shading and the reflectance map", Proc. IEEE 69 (1981), doi:10.1109/PROC.1981.11918.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
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
    """The same where some cells have no value: only those beside them need more than the plain formula."""
    known = replace(heights, values=np.where(heights.valid, _floating(heights.values), 0))
    east, south = _differences(known)
    beside = np.flatnonzero(heights.valid[1:-1, 1:-1] & ~_has_all_neighbours(heights.valid))
    rows, cols = np.divmod(beside, east.shape[1])
    values, valid = (_nine(each, rows, cols) for each in (known.values, heights.valid))
    east[rows, cols] = _eastwards(values, valid)
    south[rows, cols] = _eastwards(_transposed(values), _transposed(valid))
    return east, south


def _has_all_neighbours(valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    along = valid[:, :-2] & valid[:, 1:-1] & valid[:, 2:]
    whole: NDArray[np.bool_] = along[:-2] & along[1:-1] & along[2:]
    return whole


def _nine(cells: NDArray[Any], rows: NDArray[np.intp], cols: NDArray[np.intp]) -> list[list[NDArray[Any]]]:
    """Some cells' three rows of three neighbours; `rows` and `cols` are those of the upper left one."""
    line, first = cells.ravel(), rows * cells.shape[1] + cols
    return [[line[first + (down * cells.shape[1] + right)] for right in range(3)] for down in range(3)]


def _transposed(nine: list[list[NDArray[Any]]]) -> list[list[NDArray[Any]]]:
    return [list(col) for col in zip(*nine, strict=True)]


def _eastwards(values: list[list[NDArray[Any]]], valid: list[list[NDArray[Any]]]) -> Values:
    """Eight times the rise over one cell.

    Each of the three rows counts with its rise over two cells, or twice that over one; then four times
    their mean.
    """
    total, weights = np.zeros_like(values[0][0]), np.zeros_like(values[0][0])
    for weight, (west, middle, east), (has_west, has_middle, has_east) in zip(
        (1, 2, 1), values, valid, strict=True
    ):
        half = has_middle & (has_west ^ has_east)
        # what has no value is 0
        rise = np.where(half, 2 * np.where(has_east, east - middle, middle - west), east - west)
        counts = weight * (half | (has_west & has_east))
        total += counts * rise
        weights += counts
    total *= 4 / np.maximum(weights, 1)
    return total


def _floating(values: NDArray[Any]) -> Values:
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _by_row(size: GroundSize, dtype: np.dtype[Any]) -> NDArray[np.floating[Any]]:
    """The size of the cells inside the halo, to divide rows by."""
    if isinstance(size, np.ndarray):
        return size[1:-1, np.newaxis].astype(dtype)
    return np.array(size, dtype=dtype)
