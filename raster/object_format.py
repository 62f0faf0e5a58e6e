"""The bytes of one stored object: a chunk, or a shard of chunks behind each other and their index.

Just what zarr-python's own pipeline reads and writes (Zarr v3 `sharding_indexed`, index at the end,
codecs of numcodecs), put together here without its event loop: half the CPU time of a build went
into that, and its threads stood in the way of the build's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numcodecs.checksum32 import CRC32C
from numcodecs.zstd import Zstd
from numpy.typing import NDArray

from raster.cells import Cells
from raster.grid import Window
from raster.metrics.interface import StoredArray
from raster.shards import ChunkShapes

ZSTD_LEVEL = 1

ABSENT = 2**64 - 1
"""Offset and length, in the index, of a chunk that is all fill."""

INDEX_DTYPE = np.dtype("<u8")

CHECKSUM_BYTES = 4


@dataclass(frozen=True, slots=True)
class ObjectFormat:
    """How the objects of one array of one level are laid out."""

    level: int
    array: StoredArray
    shapes: ChunkShapes

    def key(self, window: Window) -> str:
        """The object that holds a window, which is one object's."""
        height, width = self.shapes.object_shape
        return self._key(window.row // height, window.col // width)

    def keys(self, shape: tuple[int, int]) -> Iterator[str]:
        """All objects of a level of `shape` cells, row by row."""
        counts = (math.ceil(size / side) for size, side in zip(shape, self.shapes.object_shape, strict=True))
        return (self._key(row, col) for row, col in np.ndindex(*counts))

    def _key(self, row: int, col: int) -> str:
        return f"{self.level}/{self.array.name}/c/{row}/{col}"

    def encode(self, cells: Cells) -> list[bytes]:
        """The object that holds `cells`, in pieces; none when all of them are fill.

        Parameters
        ----------
        cells : (height, width) of the array's dtype
            All of the object's, fewer at the lower and right edge of the level.
        """
        encoder = ObjectEncoder(self)
        for rows in self.chunk_rows(cells.shape[0]):
            encoder.add(cells[rows])
        return encoder.finish()

    def chunk_rows(self, height: int) -> Iterator[slice]:
        """The rows of cells of each row of chunks; `height`: those of the object that lie in the level."""
        for start in range(0, height, self.shapes.chunk[0]):
            yield slice(start, min(start + self.shapes.chunk[0], height))

    def decode_rows(self, data: bytes | None, shape: tuple[int, int]) -> Iterator[Cells]:
        """Cells of an object whose bytes are known to be whole: one row of chunks at a time.

        Parameters
        ----------
        data : bytes
            None when all is fill.
        shape : (height, width)
            Cells of the object that lie in the level.

        Yields
        ------
        (chunk height, width), from the top; the last one may be lower
        """
        parts = iter(repeat(None) if data is None else self._parts(data))
        chunk = np.empty(self.shapes.chunk, self._stored_dtype)
        for row in self._rows():
            height = min(shape[0] - row[0][0].start, chunk.shape[0])
            if height <= 0:
                return
            cells = np.empty((height, shape[1]), self.array.dtype)
            for (_, cols), compressed in zip(row, parts, strict=False):
                part = cells[:, cols]
                if compressed is None:
                    part[...] = self.array.fill
                elif part.size:
                    _zstd().decode(compressed, chunk)
                    part[...] = chunk[: part.shape[0], : part.shape[1]]
            yield cells

    def _rows(self) -> Iterator[list[tuple[slice, slice]]]:
        """The chunks of an object, row by row; at the level's edge they may lie outside."""
        height, width = self.shapes.chunk
        rows, cols = self.shapes.chunks_per_object
        for row in range(rows):
            down = slice(row * height, (row + 1) * height)
            yield [(down, slice(col * width, (col + 1) * width)) for col in range(cols)]

    def compress(self, cells: Cells) -> bytes | None:
        """One chunk; None when all of it is fill. `cells` may be fewer at the edge of the level."""
        # one cell tells of most chunks that they are not empty
        if not cells.size or (self.array.is_empty(cells[:1, :1]) and self.array.is_empty(cells)):
            return None
        height, width = self.shapes.chunk
        if cells.shape != self.shapes.chunk:
            lacking = ((0, height - cells.shape[0]), (0, width - cells.shape[1]))
            cells = np.pad(cells, lacking, constant_values=self.array.fill)
        compressed: bytes = _zstd().encode(np.ascontiguousarray(cells, self._stored_dtype))
        return compressed

    def _parts(self, data: bytes) -> list[memoryview | None]:
        """The compressed chunks of an object, None where all is fill."""
        view = memoryview(data)
        if self.shapes.shard is None:
            return [view]
        rows, cols = self.shapes.chunks_per_object
        index = read_index(view[-index_bytes(rows * cols) :])
        return [None if start == ABSENT else view[start : start + length] for start, length in index.tolist()]

    @property
    def _stored_dtype(self) -> np.dtype[np.generic]:
        return self.array.dtype.newbyteorder("<")


class ObjectEncoder:
    """One object that is made from the top down, a row of chunks at a time."""

    def __init__(self, how: ObjectFormat) -> None:
        self._format = how
        self._chunks: list[bytes | None] = []

    def add(self, cells: Cells) -> None:
        """The next row of chunks.

        Parameters
        ----------
        cells : (chunk height, width) of the array's dtype
            Fewer at the lower and right edge of the level.
        """
        width = self._format.shapes.chunk[1]
        for col in range(self._format.shapes.chunks_per_object[1]):
            self._chunks.append(self._format.compress(cells[:, col * width : (col + 1) * width]))

    def finish(self) -> list[bytes]:
        """The object in pieces; none when all its cells are fill."""
        pieces = [chunk for chunk in self._chunks if chunk is not None]
        if pieces and self._format.shapes.shard is not None:
            outside = math.prod(self._format.shapes.chunks_per_object) - len(self._chunks)
            pieces.append(_index([*self._chunks, *repeat(None, outside)]))
        return pieces


def _zstd() -> Zstd:
    # with its checksum: without it a flipped bit decodes to other heights in silence
    return Zstd(level=ZSTD_LEVEL, checksum=True)


def index_bytes(chunk_count: int) -> int:
    """Bytes of the index at the end of a shard of so many chunks."""
    return chunk_count * 2 * INDEX_DTYPE.itemsize + CHECKSUM_BYTES


def read_index(data: bytes | memoryview) -> NDArray[np.uint64]:
    """The index at the end of a shard.

    Returns
    -------
    (chunks, 2) of uint64
        Offset and length of each chunk, row by row; `ABSENT` twice for one that is all fill.

    Raises
    ------
    RuntimeError
        It is damaged.
    """
    index: NDArray[np.uint64] = np.frombuffer(CRC32C().decode(data), INDEX_DTYPE).reshape(-1, 2)
    return index


def _index(chunks: list[bytes | None]) -> bytes:
    index: NDArray[np.uint64] = np.full((len(chunks), 2), ABSENT, INDEX_DTYPE)
    offset = 0
    for entry, chunk in zip(index, chunks, strict=True):
        if chunk is not None:
            entry[:] = offset, len(chunk)
            offset += len(chunk)
    checked: bytes = CRC32C().encode(index)
    return checked
