"""What users' metrics may store, and whether their functions return what they have to.

Here everything is a ValueError or TypeError; `raster/metrics/foreign.py` says whose.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from raster.cells import SOURCE_DTYPES, Cells, CellType
from raster.metrics.interface import VALUE
from raster.metrics.sum import HAS_DATA

STORED_DTYPES = (*SOURCE_DTYPES, "int64", "uint64")

PART_NAME = re.compile(r"[a-z][a-z0-9_]*")

RESERVED_NAMES = frozenset({VALUE, HAS_DATA, "x", "y", "spatial_ref"})
"""Arrays that a level has anyway, and what says whether a block has valid cells."""


def stored_dtype(name: str) -> np.dtype[Any]:
    """The dtype of that name, if arrays of it can be stored."""
    dtype = np.dtype(name)
    if dtype.name not in STORED_DTYPES:
        raise ValueError(f"arrays of dtype {name} are not stored; there are {', '.join(STORED_DTYPES)}")
    return dtype


def result_type(dtype: np.dtype[Any]) -> CellType:
    """`dtype` with the nodata that results of a user's metric get."""
    if dtype.kind == "f":
        return CellType(dtype, math.nan)
    info = np.iinfo(dtype)
    return CellType(dtype, int(info.min if dtype.kind == "i" else info.max))


def check_part_names(names: Iterable[str]) -> None:
    """Whether parts can be stored under these names."""
    names = list(names)
    if not names:
        raise ValueError("a composable metric needs a part")
    for name in names:
        if name in RESERVED_NAMES or not PART_NAME.fullmatch(name):
            raise ValueError(f"a part cannot be called {name!r}: {PART_NAME.pattern}, not {taken_names()}")


def taken_names() -> str:
    """Names that parts cannot have."""
    return ", ".join(sorted(RESERVED_NAMES))


def check_returned(what: str, returned: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Whether an array is of the shape and dtype that was asked for."""
    if not isinstance(returned, np.ndarray):
        raise TypeError(f"{what} gives a {type(returned).__name__}, not an array")
    if returned.shape != shape:
        raise ValueError(f"{what} gives shape {returned.shape}, not {shape}")
    if returned.dtype != dtype:
        raise ValueError(f"{what} gives dtype {returned.dtype}, not {dtype}")


def read_only(cells: Cells) -> Cells:
    """A view that nobody can write to."""
    view = cells.view()
    view.flags.writeable = False
    return view
