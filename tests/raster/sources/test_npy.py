"""Tiles in .npy files: every dtype and order against numpy's slices, and headers that lie."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy_format

from raster.cells import SOURCE_DTYPES, CellEncoding
from raster.errors import SourceError, SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.npy import NpySource, open_npy
from raster.sources.ranges import LocalRanges
from source_files import in_memory, ramp


def npy(cells: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    npy_format.write_array(file, cells, version=version)
    return file.getvalue()


def header(descr: str, shape: str = "(2, 3)", version: int = 1, order: str = "False") -> bytes:
    """A header of any words, and the twelve bytes of six cells of two bytes."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + bytes(12)


def opened(data: bytes) -> NpySource:
    return open_npy(in_memory("a.npy", data))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("endianness", ["<", ">"])
@pytest.mark.parametrize("dtype", SOURCE_DTYPES)
def test_every_dtype_is_read_in_native_byte_order(dtype: str, endianness: Any, order: Any) -> None:
    cells = ramp(5, 7, dtype).astype(np.dtype(dtype).newbyteorder(endianness), order=order)
    source = opened(npy(cells))
    found = source.read_window(source.info.window)
    np.testing.assert_array_equal(found, cells)
    assert found.dtype == np.dtype(dtype)
    assert found.dtype.isnative
    assert source.info.encoding == CellEncoding(dtype)
    assert (source.info.height, source.info.width) == (5, 7)
    assert (source.info.transform, source.info.crs, source.info.south_up) == (None, None, False)


@settings(max_examples=60)
@given(st.data(), st.integers(1, 9), st.integers(1, 9), st.sampled_from(["C", "F"]), st.sampled_from("<>"))
def test_any_window_equals_numpys_slice(
    data: st.DataObject, height: int, width: int, order: Any, endianness: str
) -> None:
    cells = ramp(height, width).astype(f"{endianness}i2", order=order)
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    window = Window(
        row=row,
        col=col,
        height=data.draw(st.integers(1, height - row)),
        width=data.draw(st.integers(1, width - col)),
    )
    found = opened(npy(cells)).read_window(window)
    np.testing.assert_array_equal(found, cells[window.slices])
    assert found.shape == window.shape


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version: tuple[int, int]) -> None:
    cells = ramp(3, 4)
    source = opened(npy(cells, version))
    np.testing.assert_array_equal(source.read_window(source.info.window), cells)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(SourceRefused, match=r"version is not 1\.0"):
        opened(header("'<i2'", version=4))


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_pickled_objects_are_refused_and_not_loaded(tmp_path: Path) -> None:
    file = io.BytesIO()
    npy_format.write_array(file, np.array([[Bomb(tmp_path / "mark")]], dtype=object), allow_pickle=True)
    with pytest.raises(SourceRefused, match="pickled Python objects"):
        opened(file.getvalue())
    with pytest.raises(SourceUnreadable):
        opened(pickle.dumps(Bomb(tmp_path / "mark")))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((2, 3), np.int64),
        np.zeros((2, 3), np.uint64),
        np.zeros((2, 3), np.complex64),
        np.zeros((2, 3), np.float16),
        np.zeros((2, 3), np.bool_),
        np.zeros((2, 3), "M8[D]"),
        np.zeros((2, 3), "S4"),
        np.zeros((2, 3), [("height", "<i2")]),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_other_dtypes_are_refused(cells: np.ndarray) -> None:
    with pytest.raises(SourceRefused, match="its dtype is"):
        opened(npy(cells))


@pytest.mark.parametrize("shape", [(), (6,), (1, 2, 3), (1, 1, 1, 1)])
def test_other_numbers_of_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SourceRefused, match=f"has {len(shape)} dimensions"):
        opened(npy(np.zeros(shape, np.int16)))


@pytest.mark.parametrize(
    "shape", ["(0, 3)", "(3, 0)", "(0, 0)", "(-2, -3)", f"({2**31}, 1)", f"({'9' * 3000}, {'9' * 3000})"]
)
def test_sides_of_no_cell_or_of_too_many_are_refused(shape: str) -> None:
    with pytest.raises(SourceRefused, match="1 to 2147483647 rows"):
        opened(header("'<i2'", shape))


@pytest.mark.parametrize("change", [-1, 1, -12, 500])
def test_a_file_that_is_not_as_long_as_its_header_says_is_unreadable(change: int) -> None:
    data = header("'<i2'")
    changed = data[:change] if change < 0 else data + bytes(change)
    with pytest.raises(SourceUnreadable, match=f"promises 12 bytes of cells, {12 + change} are there"):
        opened(changed)


def test_a_header_that_promises_80_gigabytes_costs_no_memory() -> None:
    data = header("'<i2'", "(200000, 200000)")
    tracemalloc.start()
    try:
        with pytest.raises(SourceUnreadable, match="promises 80000000000 bytes"):
            opened(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_header_that_says_it_is_long_is_not_read_whole() -> None:
    data = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**26) + b"{" + b" " * 2**26
    tracemalloc.start()
    try:
        with pytest.raises(SourceUnreadable):
            opened(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUM",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"PK\x03\x04" + bytes(100),
        b"<html>404</html>",
        header("'<i2'", "[2, 3]"),
        header("'<i2'", "(2, 3.0)"),
        header("'<i2'", f"({'9' * 5000}, 1)"),
        header("'<i2'", order="'yes'"),
        header("'no dtype'"),
        header("''"),
        header("None"),
        header("__import__('os').getcwd()"),
        header("(" * 3000),
        header("-" * 9000 + "1"),
        header("[" * 90 + "]" * 90),
        header("{'names': ['a'], 'formats': ['i2']}"),
        header("'<i2'").replace(b"'shape'", b"'shepa'"),
        header("'<i2'").replace(b"}", b""),
        header("'<i2'").replace(b"}", b"("),
    ],
)
def test_a_damaged_or_hostile_header_is_unreadable(data: bytes) -> None:
    with pytest.raises(SourceUnreadable, match=r"not a \.npy file, or its header is damaged"):
        opened(data)


@pytest.mark.parametrize("descr", ["'(3,3)<i2'", "('<i2', (3, 3))", "'<i2,<i2'", "'V1000000000'", "'2<i2'"])
def test_dtypes_of_many_values_are_refused(descr: str) -> None:
    with pytest.raises(SourceRefused, match="its dtype is"):
        opened(header(descr))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # numpy's, of old spellings
@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_anywhere_in_the_header_is_told_as_an_error_of_the_source(
    damages: list[tuple[int, int]],
) -> None:
    data = bytearray(header("'<i2'"))
    for position, byte in damages:
        data[position % len(data)] = byte
    try:
        source = opened(bytes(data))
    except SourceError:
        return
    assert source.read_window(source.info.window).size == source.info.height * source.info.width


def test_a_file_cut_off_while_it_is_read_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, ramp(100, 100))
    with LocalRanges("a.npy", path) as ranges:
        source = open_npy(ranges)
        os.truncate(path, 10_000)
        source.read_window(Window(row=0, col=0, height=10, width=100))
        with pytest.raises(SourceUnreadable, match="shorter than it was"):
            source.read_window(Window(row=0, col=50, height=100, width=10))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1, 6_000_000), (6_000_000, 1), (3000, 3000)])
def test_streaming_needs_few_cells_at_a_time_whatever_the_shape(shape: tuple[int, int], order: Any) -> None:
    info = opened(npy(np.zeros(shape, np.int8, order=order))).info
    windows = list(info.windows(2**20))
    assert max(window.cell_count for window in windows) <= 2**22
    assert sum(window.cell_count for window in windows) == shape[0] * shape[1]
