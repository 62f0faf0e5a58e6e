"""Cells as a grey picture of 16 bits, from which their values can be had again."""

from __future__ import annotations

import numpy as np

from raster.cells import Cells, CellType
from service.rendering.images import grey_png

LIGHTEST = 2**16 - 1


def encode_grey(cells: Cells, cell_type: CellType) -> bytes:
    """A PNG: value = offset + scale * grey, grey 0 is nodata.

    `scale` and `offset` stand in the PNG as texts. Integers whose range a grey holds keep a scale of 1, so
    they are exact; anything else is spread over all greys, from the lowest value to the highest.

    Parameters
    ----------
    cells : (height, width)
    cell_type : CellType
        Of the cells.
    """
    valid = cell_type.valid(cells)
    if cell_type.is_float:
        valid &= np.isfinite(cells)
    present = cells[valid]
    if not present.size:
        return grey_png(np.zeros(cells.shape, np.uint16), _words(1.0, 0.0))
    lowest, highest = present.min().item(), present.max().item()
    greys = np.zeros(cells.shape, np.uint16)
    if not cell_type.is_float and highest - lowest < LIGHTEST:
        greys[valid] = present.astype(np.int64) - lowest + 1
        return grey_png(greys, _words(1.0, lowest - 1))
    # by halves: the range of floats may leave that of floats
    half = (highest / 2 - lowest / 2) / (LIGHTEST - 1) or 0.5
    steps = (present.astype(np.float64) / 2 - lowest / 2) / half
    greys[valid] = 1 + np.rint(np.clip(steps, 0, LIGHTEST - 1)).astype(np.uint16)
    return grey_png(greys, _words(2 * half, lowest - 2 * half))


def _words(scale: float, offset: float) -> dict[str, str]:
    return {"scale": repr(float(scale)), "offset": repr(float(offset))}
