"""Two metrics of one's own: the worked examples of the README."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from raster.metrics.composable import Composable, Part
from raster.metrics.stepwise import Stepwise

root_mean_square = Composable(
    name="rms",
    cell_methods="area: root_mean_square",
    parts={
        "squares": Part(lift=np.square, unit="terrain squared"),
        "count": Part(lift=np.ones_like, unit="1"),
    },
    finish=lambda parts: np.sqrt(parts["squares"] / parts["count"]),
)


def _lower_median(blocks: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.generic]:
    valid_first = np.lexsort((blocks, ~valid))  # along the last axis, valid cells in ascending order
    middle = (valid.sum(axis=-1, keepdims=True) - 1) // 2
    chosen = np.take_along_axis(valid_first, middle, axis=-1)
    return np.take_along_axis(blocks, chosen, axis=-1)[..., 0]


lower_median = Stepwise(name="lower-median", cell_methods="area: median", function=_lower_median)
