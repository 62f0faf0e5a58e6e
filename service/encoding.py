"""Cells as bytes of an answer: JSON values with nodata as null, or .npy."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from raster.cells import Cells, CellType, Nodata
from service.accept import best_accepted
from service.errors import FormatNotSupported, NothingAcceptable

MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "npy": "application/x-npy",
    "tif": "image/tiff",
    "png": "image/png",
}
FORMATS = tuple(MEDIA_TYPES)


def choose_format(asked: str | None, accept: str | None) -> str:
    """The answer's format: `f` if given, else what `Accept` likes best of what we have.

    Raises
    ------
    FormatNotSupported
        `f` names none.
    NothingAcceptable
        `Accept` leaves none.
    """
    if asked is not None:
        if asked not in MEDIA_TYPES:
            raise FormatNotSupported(asked, FORMATS)
        return asked
    best = best_accepted(accept, tuple(MEDIA_TYPES.values()))
    if best is None:
        raise NothingAcceptable(tuple(MEDIA_TYPES.values()))
    return next(name for name, media_type in MEDIA_TYPES.items() if media_type == best)


def json_nodata(nodata: Nodata) -> int | float | Literal["NaN"] | None:
    """nodata as JSON, which knows no NaN: the string "NaN" then, as Zarr writes it."""
    return "NaN" if isinstance(nodata, float) and math.isnan(nodata) else nodata


def encode_json(body: Mapping[str, Any], cells: Cells, cell_type: CellType) -> bytes:
    """`body` with the cells as `values`, a list of rows; nodata is null."""
    valid = cell_type.finite(cells)
    rows = cells.tolist() if valid.all() else _with_nulls(cells, valid)
    return encode_members({**body, "values": rows})


def encode_members(body: Mapping[str, Any]) -> bytes:
    """An object as JSON on one line; a number that JSON does not know is a defect."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def _with_nulls(cells: Cells, valid: NDArray[np.bool_]) -> list[list[Any]]:
    objects = cells.astype(object)
    objects[~valid] = None
    rows: list[list[Any]] = objects.tolist()
    return rows


def encode_npy(cells: Cells) -> bytes:
    """The cells as a .npy file, little-endian, nodata as stored."""
    buffer = io.BytesIO()
    np.save(buffer, cells.astype(cells.dtype.newbyteorder("<"), copy=False), allow_pickle=False)
    return buffer.getvalue()
