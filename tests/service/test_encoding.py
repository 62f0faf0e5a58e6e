"""Cells as bytes: what a client decodes is what is stored."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np
import pytest

from raster.cells import SOURCE_DTYPES, CellType, Nodata
from service.encoding import choose_format, encode_json, encode_npy, json_nodata
from service.errors import FormatNotSupported, NothingAcceptable


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def decoded_json(cells: np.ndarray, nodata: Nodata = None) -> list[list[Any]]:
    content = encode_json({"level": 0}, cells, CellType(cells.dtype, nodata))
    body = json.loads(content, parse_constant=refuse_constant)
    assert body.pop("level") == 0
    values: list[list[Any]] = body.pop("values")
    assert body == {}
    return values


def extremes(dtype: str) -> np.ndarray:
    """The lowest and the highest value of a dtype, and one between."""
    limits: Any = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    return np.array([[limits.min, 1], [limits.max, 0]], dtype=dtype)


@pytest.mark.parametrize("dtype", [*SOURCE_DTYPES, "int64", "uint64"])
def test_every_value_of_every_type_survives_both_formats(dtype: str) -> None:
    cells = extremes(dtype)
    decoded = decoded_json(cells)
    np.testing.assert_array_equal(np.array(decoded, dtype=dtype), cells)
    assert {type(value) for row in decoded for value in row} == {int if cells.dtype.kind in "iu" else float}
    npy = np.load(io.BytesIO(encode_npy(cells)), allow_pickle=False)
    np.testing.assert_array_equal(npy, cells)
    assert npy.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_no_number_is_null_in_json_and_stays_in_npy(dtype: str) -> None:
    cells = np.array([[np.nan, np.inf, -np.inf], [1.5, -0.0, -9999]], dtype=dtype)
    assert decoded_json(cells, math.nan) == [[None, None, None], [1.5, 0.0, -9999]]
    npy = np.load(io.BytesIO(encode_npy(cells)), allow_pickle=False)
    assert npy.tobytes() == cells.tobytes()


def test_integers_equal_to_nodata_are_null_and_without_nodata_none_is() -> None:
    cells = np.array([[0, 255], [7, 0]], dtype=np.uint8)
    assert decoded_json(cells, 0) == [[None, 255], [7, None]]
    assert decoded_json(cells) == [[0, 255], [7, 0]]


@pytest.mark.parametrize(
    "cells",
    [
        np.arange(6, dtype=">i2").reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
        np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::2],
        np.zeros((1, 1), dtype=np.int8),
    ],
    ids=["big-endian", "Fortran order", "every second cell", "one cell"],
)
def test_npy_is_little_endian_and_in_rows_however_cells_lie(cells: np.ndarray) -> None:
    npy = np.load(io.BytesIO(encode_npy(cells)), allow_pickle=False)
    np.testing.assert_array_equal(npy, cells)
    assert npy.dtype == cells.dtype.newbyteorder("<")


@pytest.mark.parametrize(
    ("nodata", "expected"), [(None, None), (0, 0), (-1.5, -1.5), (math.nan, "NaN"), (2**63, 2**63)]
)
def test_nodata_is_json(nodata: Nodata, expected: object) -> None:
    assert json_nodata(nodata) == expected
    json.dumps(json_nodata(nodata), allow_nan=False)


def test_a_format_by_name_comes_before_accept() -> None:
    assert choose_format("npy", "application/json") == "npy"
    assert choose_format("json", "image/png") == "json"
    assert choose_format(None, "application/x-npy") == "npy"
    with pytest.raises(FormatNotSupported, match="'jpg'; there are json, npy, tif, png"):
        choose_format("jpg", "application/json")
    with pytest.raises(NothingAcceptable, match="application/json, application/x-npy, image/tiff, image/png"):
        choose_format(None, "image/webp")
