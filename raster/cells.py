"""Cell values: their dtype and nodata, and how the values of one type become those of another.

The rule everything here serves: a valid cell never equals nodata.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[Any]
Nodata = int | float | None

SOURCE_DTYPES = (
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64",
)  # fmt: skip
"""What a tile may hold. 64-bit integers have no exact float64, complex no order."""


@dataclass(frozen=True, slots=True)
class CellType:
    """A dtype and the value that means "no measurement" in it.

    `nodata` is NaN for floats, a value of the dtype or None (every cell is valid) for integers.
    """

    dtype: np.dtype[Any]
    nodata: Nodata

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def fill(self) -> int | float:
        """What an array of this type holds where nothing was written.

        Without nodata it is the lowest value (highest for unsigned ones), because readers
        such as GDAL take the fill value for nodata: 0 would hide the sea.
        """
        if self.nodata is not None:
            return self.nodata
        info = np.iinfo(self.dtype)
        return int(info.min) if self.dtype.kind == "i" else int(info.max)

    def valid(self, cells: Cells) -> NDArray[np.bool_]:
        """True where a cell is a measurement; shape of `cells`."""
        if self.is_float:
            return ~np.isnan(cells)
        if self.nodata is None:
            return np.ones(cells.shape, dtype=bool)
        return np.asarray(cells != self.dtype.type(self.nodata))

    def finite(self, cells: Cells) -> NDArray[np.bool_]:
        """True where a cell is a measurement that JSON has a number for; shape of `cells`."""
        return np.asarray(np.isfinite(cells)) if self.is_float else self.valid(cells)

    def empty(self, shape: tuple[int, int]) -> Cells:
        """Array of `fill`."""
        return np.full(shape, self.fill, dtype=self.dtype)

    def is_empty(self, cells: Cells) -> bool:
        """Whether every cell equals `fill`, so that nothing needs to be stored."""
        if self.is_float:
            return bool(np.isnan(cells).all())
        return bool((cells == self.dtype.type(self.fill)).all())


@dataclass(frozen=True, slots=True)
class CellEncoding:
    """How a source writes its cells: dtype, sentinel (None if none) and value = cell * scale + offset.

    `dtype` is a numpy name without byte order; readers deliver native order.
    """

    dtype: str
    nodata: Nodata = None
    scale: float = 1.0
    offset: float = 0.0

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """`dtype` as numpy's object."""
        return np.dtype(self.dtype)

    @property
    def is_scaled(self) -> bool:
        return self.scale != 1.0 or self.offset != 0.0

    @property
    def cell_type(self) -> CellType:
        """The type of its values once decoded: scaled integers are float32, floats use NaN."""
        dtype = self.numpy_dtype
        if dtype.kind == "f":
            return CellType(dtype, math.nan)
        if self.is_scaled:
            return CellType(np.dtype(np.float32), math.nan)
        return CellType(dtype, self.nodata)

    def decode(self, cells: Cells, target: CellType) -> Cells:
        """Values of `cells` as `target`, nodata as its nodata.

        Parameters
        ----------
        cells : (height, width) of `dtype`
        target : CellType
            Must hold every value: `base_cell_type` makes such a one.

        Returns
        -------
        (height, width) of `target.dtype`; `cells` itself when nothing needs doing. Scaling is
        done in float64. The sentinel, NaN and both infinities become `target.nodata`.
        """
        missing = self._missing(cells)
        if self.is_scaled:
            with np.errstate(over="ignore"):
                cells = (cells.astype(np.float64) * self.scale + self.offset).astype(target.dtype)
            infinite = ~np.isfinite(cells)
            missing = infinite if missing is None else missing | infinite
        decoded = cells.astype(target.dtype, copy=False)
        if missing is None or target.nodata is None or not missing.any():
            return decoded
        if decoded is cells:
            decoded = cells.copy()
        decoded[missing] = target.nodata
        return decoded

    def _missing(self, cells: Cells) -> NDArray[np.bool_] | None:
        missing: NDArray[np.bool_] | None = None
        if self.nodata is not None and not math.isnan(self.nodata):
            missing = cells == cells.dtype.type(self.nodata)
        if cells.dtype.kind == "f":
            infinite_or_nan = ~np.isfinite(cells)
            missing = infinite_or_nan if missing is None else missing | infinite_or_nan
        return missing


def representable(nodata: float, dtype: np.dtype[Any]) -> Nodata:
    """`nodata` as a value of `dtype`, None if no cell of that dtype can equal it.

    Files name sentinels that their dtype cannot hold (-9999 in uint8): no cell has them. Infinities
    are nodata anyway.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = float(dtype.type(nodata))
        return None if math.isinf(value) else value
    info = np.iinfo(dtype)
    if not float(nodata).is_integer() or not info.min <= nodata <= info.max:
        return None
    return int(nodata)


def base_cell_type(encodings: Iterable[CellEncoding], *, has_gaps: bool) -> CellType:
    """One type that holds every valid cell of every tile, and nodata apart from them.

    dtype: numpy promotion over the decoded tiles. nodata: NaN for floats. For integers a tile's
    own sentinel, if no other tile can hold that value as a valid cell; else, when some
    tile has a sentinel or there are gaps, a value outside every tile's dtype, widening if
    need be; else None.

    Raises
    ------
    ValueError
        Without encodings.
    """
    types = {encoding.cell_type for encoding in encodings}
    dtype = np.result_type(*(cell_type.dtype for cell_type in types))
    if dtype.kind == "f":
        return CellType(dtype, math.nan)
    sentinels = sorted({t.nodata for t in types if t.nodata is not None})
    if not sentinels and not has_gaps:
        return CellType(dtype, None)
    for sentinel in sentinels:
        if not any(_may_hold(cell_type, sentinel) for cell_type in types):
            return CellType(dtype, sentinel)
    return _type_with_room(dtype, types)


def _may_hold(cell_type: CellType, value: float) -> bool:
    """Whether `value` can be a valid cell."""
    info = np.iinfo(cell_type.dtype)
    return info.min <= value <= info.max and value != cell_type.nodata


def _type_with_room(dtype: np.dtype[Any], types: set[CellType]) -> CellType:
    """`dtype`, or the next wider signed one, with its lowest (else highest) unused value as nodata."""
    while True:
        info = np.iinfo(dtype)
        for candidate in (int(info.min), int(info.max)):
            if not any(_may_hold(cell_type, candidate) for cell_type in types):
                return CellType(dtype, candidate)
        dtype = np.promote_types(dtype, np.int8 if dtype.kind == "u" else f"i{2 * dtype.itemsize}")
