"""Dtypes and nodata: a valid cell never equals nodata, decoding loses nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster.cells import SOURCE_DTYPES, CellEncoding, CellType, base_cell_type, representable


@st.composite
def encodings(draw: st.DrawFn) -> CellEncoding:
    dtype = draw(st.sampled_from(SOURCE_DTYPES))
    if np.dtype(dtype).kind == "f":
        return CellEncoding(dtype, draw(st.sampled_from([None, math.nan, -9999.0])))
    info = np.iinfo(dtype)
    sentinels = st.sampled_from([None, int(info.min), int(info.max), 0, 7])
    return CellEncoding(dtype, draw(sentinels))


def valid_samples(encoding: CellEncoding) -> list[int]:
    """Valid cells most likely to collide with a sentinel."""
    info = np.iinfo(encoding.dtype)
    return [
        v
        for v in (int(info.min), int(info.max), 0, 7, -9999)
        if info.min <= v <= info.max and v != encoding.nodata
    ]


@given(st.lists(encodings(), min_size=1, max_size=6), st.booleans())
def test_no_valid_cell_of_any_tile_becomes_nodata(tiles: list[CellEncoding], has_gaps: bool) -> None:
    base = base_cell_type(tiles, has_gaps=has_gaps)
    assert all(np.can_cast(tile.cell_type.dtype, base.dtype) for tile in tiles)
    if base.is_float:
        return
    for tile in tiles:
        cells = np.array([valid_samples(tile)], dtype=tile.dtype)
        decoded = tile.decode(cells, base)
        assert base.valid(decoded).all()
        assert decoded.tolist() == cells.tolist()


@given(st.lists(encodings(), min_size=1, max_size=6))
def test_gaps_and_sentinels_give_a_nodata(tiles: list[CellEncoding]) -> None:
    assert base_cell_type(tiles, has_gaps=True).nodata is not None
    without = base_cell_type(tiles, has_gaps=False)
    if not without.is_float:
        assert (without.nodata is None) == all(tile.nodata is None for tile in tiles)


def test_one_common_sentinel_stays() -> None:
    tiles = [CellEncoding("int16", -32768), CellEncoding("int16", -32768), CellEncoding("uint8")]
    assert base_cell_type(tiles, has_gaps=False) == CellType(np.dtype("int16"), -32768)


def test_a_sentinel_that_is_valid_elsewhere_widens_the_type() -> None:
    tiles = [CellEncoding("int16", -32768), CellEncoding("int16")]
    assert base_cell_type(tiles, has_gaps=False) == CellType(np.dtype("int32"), -(2**31))


@pytest.mark.parametrize(
    ("dtype", "wide", "nodata"),
    [("uint8", "int16", -32768), ("uint32", "int64", -(2**63)), ("int32", "int64", -(2**63))],
)
def test_gaps_in_full_types_widen_them(dtype: str, wide: str, nodata: int) -> None:
    assert base_cell_type([CellEncoding(dtype)], has_gaps=True) == CellType(np.dtype(wide), nodata)


def test_sentinel_nan_and_infinities_become_nan_in_floats() -> None:
    cells = np.array([[1.5, -9999.0, math.nan, math.inf, -math.inf]], dtype=np.float32)
    decoded = CellEncoding("float32", -9999.0).decode(cells, CellType(np.dtype("float64"), math.nan))
    assert decoded[0, 0] == 1.5
    assert np.isnan(decoded[0, 1:]).all()
    assert cells[0, 1] == -9999.0, "the source's cells are not written to"


def test_a_stray_nan_beside_a_sentinel_is_nodata_too() -> None:
    cells = np.array([[0.0, math.nan, 3.0]], dtype=np.float32)
    decoded = CellEncoding("float32", 0.0).decode(cells, CellType(np.dtype("float32"), math.nan))
    assert np.isnan(decoded).tolist() == [[True, True, False]]


def test_scaling_is_done_in_float64_and_stored_as_float32() -> None:
    raw = np.arange(1000, 2000, dtype=np.uint16).reshape(10, 100)
    encoding = CellEncoding("uint16", 1500, scale=0.1, offset=-3.7)
    assert encoding.cell_type == CellType(np.dtype("float32"), math.nan)
    decoded = encoding.decode(raw, CellType(np.dtype("float32"), math.nan))
    expected = np.array([[np.float32(float(v) * 0.1 + -3.7) for v in row] for row in raw])
    expected[raw == 1500] = np.nan
    np.testing.assert_array_equal(decoded, expected)


def test_a_scaled_value_too_large_for_float32_is_nodata() -> None:
    encoding = CellEncoding("int32", scale=1e35)
    decoded = encoding.decode(np.array([[1, 10**9]], np.int32), CellType(np.dtype("float32"), math.nan))
    assert np.isfinite(decoded).tolist() == [[True, False]]
    assert np.isnan(decoded[0, 1])


@pytest.mark.parametrize(
    ("nodata", "dtype", "expected"),
    [
        (-9999, "uint8", None),
        (-32768.0, "int16", -32768),
        (0.5, "int16", None),
        (math.nan, "int16", None),
        (255, "uint8", 255),
    ],
)
def test_only_values_of_the_dtype_are_sentinels(nodata: float, dtype: str, expected: int | None) -> None:
    assert representable(nodata, np.dtype(dtype)) == expected


def test_a_float_sentinel_is_rounded_as_the_file_stores_it() -> None:
    assert representable(-9999.0058, np.dtype("float32")) == float(np.float32(-9999.0058))


def test_fill_without_nodata_is_not_the_sea() -> None:
    assert CellType(np.dtype("int16"), None).fill == -32768
    assert CellType(np.dtype("uint8"), None).fill == 255
