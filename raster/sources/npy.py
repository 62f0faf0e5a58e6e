"""Tiles in NumPy's .npy format."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from raster.cells import SOURCE_DTYPES, CellEncoding, Cells
from raster.errors import SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.ranges import ByteRanges
from raster.sources.source import LONGEST_SIDE, STREAMED_CELLS, SourceInfo

LONGEST_HEADER_BYTES = 2**14
"""Of a plain array it has some 120 bytes; numpy takes 10000 characters, and would read 4 GiB first."""

READERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
    # differs in names of fields, which no tile has
    (3, 0): npy_format.read_array_header_2_0,
}


@dataclass(frozen=True, slots=True)
class NpySource:
    """An open .npy file; only the rows (columns, in Fortran order) of a window are read."""

    ranges: ByteRanges
    info: SourceInfo
    stored_dtype: np.dtype[Any]
    is_fortran: bool
    first_byte: int

    def read_window(self, window: Window) -> Cells:
        if self.is_fortran:
            mirrored = Window(row=window.col, col=window.row, height=window.width, width=window.height)
            return self._read(mirrored, self.info.height).T
        return self._read(window, self.info.width)

    def _read(self, window: Window, stride: int) -> Cells:
        """Cells of a window of an array in C order whose rows are `stride` cells long."""
        cells = np.empty(window.shape, self.stored_dtype)
        rows = cells.reshape(-1).view(np.uint8).data
        length = window.width * cells.itemsize
        start = self.first_byte + (window.row * stride + window.col) * cells.itemsize
        if window.width == stride:
            self._fill(rows, start)
        else:
            for row in range(window.height):
                self._fill(rows[row * length : (row + 1) * length], start + row * stride * cells.itemsize)
        return cells.astype(self.stored_dtype.newbyteorder("="), copy=False)

    def _fill(self, buffer: memoryview, start: int) -> None:
        if self.ranges.read_into(start, buffer) != len(buffer):
            raise SourceUnreadable(self.ranges.url, "the file is shorter than it was")


def open_npy(ranges: ByteRanges) -> NpySource:
    """Open a .npy file of two dimensions. Nothing is unpickled.

    Raises
    ------
    SourceUnreadable
        Not a .npy file, or not as long as its header says.
    SourceRefused
        Objects, another number of dimensions, or a dtype that no tile may have.
    """
    shape, is_fortran, dtype, first_byte = _read_header(ranges)
    if dtype.hasobject:
        raise SourceRefused(ranges.url, "it holds pickled Python objects, which are never loaded")
    if len(shape) != 2:
        raise SourceRefused(ranges.url, f"it has {len(shape)} dimensions; a tile has rows and columns")
    if not all(1 <= side <= LONGEST_SIDE for side in shape):
        raise SourceRefused(ranges.url, f"a tile has 1 to {LONGEST_SIDE} rows and columns")
    if dtype.name not in SOURCE_DTYPES:
        raise SourceRefused(ranges.url, f"its dtype is {dtype.name}; taken are {', '.join(SOURCE_DTYPES)}")
    expected, found = math.prod(shape) * dtype.itemsize, ranges.size - first_byte
    if found != expected:
        raise SourceUnreadable(
            ranges.url, f"its header promises {expected} bytes of cells, {found} are there"
        )
    info = SourceInfo(
        height=shape[0],
        width=shape[1],
        encoding=CellEncoding(dtype.name),
        transform=None,
        crs=None,
        south_up=False,
        identity=ranges.identity,
        # nothing is decoded, so any window will do; but columns are read best in one go
        block_height=min(shape[0], STREAMED_CELLS) if is_fortran else 1,
        block_width=1,
    )
    return NpySource(ranges, info, dtype, is_fortran, first_byte)


def _read_header(ranges: ByteRanges) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, Fortran order, dtype, and where the cells begin."""
    beginning = bytearray(min(ranges.size, LONGEST_HEADER_BYTES))
    ranges.read_into(0, beginning)
    file = io.BytesIO(beginning)
    try:
        read = READERS.get(npy_format.read_magic(file))
        if read is None:
            raise SourceRefused(ranges.url, "its .npy version is not 1.0, 2.0 or 3.0")
        shape, is_fortran, dtype = read(file)
    except (ValueError, SyntaxError, TokenError, TypeError, RecursionError, MemoryError) as error:
        raise SourceUnreadable(ranges.url, "this is not a .npy file, or its header is damaged") from error
    return shape, is_fortran, dtype, file.tell()
