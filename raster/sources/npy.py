"""Tiles in NumPy's .npy format."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from raster.cells import SOURCE_DTYPES, CellEncoding, Cells
from raster.errors import SourceRefused, SourceUnreadable
from raster.grid import Window
from raster.sources.ranges import ByteRanges, RangeFile
from raster.sources.source import SourceInfo


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
        size = self.stored_dtype.itemsize
        if window.width == stride:
            runs = [self._run(window.row * stride * size, window.cell_count)]
        else:
            starts = (row * stride + window.col for row in range(window.row, window.row_stop))
            runs = [self._run(start * size, window.width) for start in starts]
        cells = np.frombuffer(b"".join(runs), self.stored_dtype).reshape(window.shape)
        return cells.astype(self.stored_dtype.newbyteorder("="), copy=False)

    def _run(self, start: int, cell_count: int) -> bytes:
        length = cell_count * self.stored_dtype.itemsize
        data = self.ranges.read(self.first_byte + start, length)
        if len(data) != length:
            raise SourceUnreadable(self.ranges.url, "the file is shorter than it was")
        return data


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
    if len(shape) != 2 or 0 in shape:
        raise SourceRefused(
            ranges.url, f"its shape is {shape}; a tile has rows and columns, at least one each"
        )
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
        block_height=shape[0] if is_fortran else 1,
        block_width=1 if is_fortran else shape[1],
    )
    return NpySource(ranges, info, dtype, is_fortran, first_byte)


def _read_header(ranges: ByteRanges) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, Fortran order, dtype, and where the cells begin."""
    file = RangeFile(ranges)
    try:
        version = npy_format.read_magic(file)
        read = {
            (1, 0): npy_format.read_array_header_1_0,
            (2, 0): npy_format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise SourceRefused(ranges.url, f".npy version {version} holds structured arrays, not cells")
        shape, is_fortran, dtype = read(file)
    except (ValueError, SyntaxError, TypeError) as error:
        raise SourceUnreadable(ranges.url, "this is not a .npy file, or its header is damaged") from error
    return tuple(int(side) for side in shape), is_fortran, dtype, file.tell()
