"""What is drawn: the cells of a picture and what has to be known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.rendering.units import metres_per

Values = NDArray[np.floating[Any]]
GroundSize = float | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heights:
    """Cells of a picture, with `halo` more on each side (`Style.halo`).

    Attributes
    ----------
    values : (height + 2 * halo, width + 2 * halo) floating
        In `unit`; anything where not valid.
    valid : the same shape, bool
        Where there is a measurement; in a halo that sticks out of the terrain there is none.
    cell_height_m, cell_width_m : float, or (height + 2 * halo,) float64
        True size on the ground, of all cells or of those of each row of `values`. Only shading asks
        for it; 1 where the ground is unknown.
    low, high : float | None
        Of the generation as a whole, for ramps without `rescale`; None when it holds no value.
    unit : str | None
        Of the values; None when it is unknown.
    """

    values: Values
    valid: NDArray[np.bool_]
    cell_height_m: GroundSize = 1.0
    cell_width_m: GroundSize = 1.0
    low: float | None
    high: float | None
    unit: str | None

    @property
    def metres_per_unit(self) -> float | None:
        """None where the unit is unknown, or none of length."""
        return metres_per(self.unit)
