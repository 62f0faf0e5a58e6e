"""What no float64 holds is refused.

Infinity is nodata everywhere else, and the largest float would be a wrong result that looks like a
right one. Only float64 cells can come that far: float32 ends at 3.4e38, and sums of squares of as many
of them as there can be do not reach 1.8e308.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from raster.cells import Cells, CellType
from raster.errors import MetricOverflow


def can_overflow(base: CellType) -> bool:
    """Whether arithmetic on cells of a type can leave float64."""
    return base.dtype == np.float64


def overflow_is_met_later() -> AbstractContextManager[None]:
    """numpy says nothing about overflow within: `refuse_overflow` looks at what has come of it."""
    return np.errstate(over="ignore", invalid="ignore")


def refuse_overflow(metric: str, values: Cells, has_data: NDArray[np.bool_]) -> None:
    """Refuse blocks with data whose value is not finite.

    Raises
    ------
    MetricOverflow
    """
    # opposite infinities make a NaN, which is nodata
    if not np.array_equal(np.isfinite(values), has_data):
        raise MetricOverflow(metric)
