"""The chunks of one array of a finished pyramid, each read and decoded by itself.

Who wants cells here and there reads no windows: of each chunk that holds some of them the bytes are
read, of many chunks at once where the store is asked over a network, and decoded once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numcodecs.zstd import Zstd
from numpy.typing import NDArray

from raster.cells import Cells
from raster.errors import PyramidCorrupt
from raster.object_format import ABSENT, index_bytes, read_index
from raster.storage.manifest import StoredObject, StoredPart
from raster.strict_objects import StrictObjects

KEPT_INDEXES = 1024
"""Indexes of shards that are kept: 16 bytes for each of their chunks."""

AT_ONCE = 32
"""Chunks whose bytes are in memory at once: as many requests as a bucket is sent."""


@dataclass(frozen=True, slots=True, order=True)
class ChunkPlace:
    """A chunk by its row and column among all chunks of its array."""

    row: int
    col: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFormat:
    """What an array's metadata says of its chunks: shapes in cells, dtype, what unwritten cells are."""

    shape: tuple[int, int]
    chunk: tuple[int, int]
    chunks_per_object: tuple[int, int]
    is_sharded: bool
    dtype: np.dtype[Any]
    fill: int | float

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> ArrayFormat:
        """The format of an array of ours, from its `zarr.json`."""
        outer = metadata["chunk_grid"]["configuration"]["chunk_shape"]
        codec = metadata["codecs"][0]
        is_sharded = codec["name"] == "sharding_indexed"
        height, width = codec["configuration"]["chunk_shape"] if is_sharded else outer
        dtype = np.dtype(metadata["data_type"])
        fill = metadata["fill_value"]
        return cls(
            shape=tuple(metadata["shape"]),
            chunk=(height, width),
            chunks_per_object=(outer[0] // height, outer[1] // width),
            is_sharded=is_sharded,
            dtype=dtype,
            fill=float(fill) if dtype.kind == "f" else int(fill),
        )

    @property
    def chunk_counts(self) -> tuple[int, int]:
        """Rows and columns of chunks of the array."""
        return math.ceil(self.shape[0] / self.chunk[0]), math.ceil(self.shape[1] / self.chunk[1])

    def group(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> dict[ChunkPlace, NDArray[np.intp]]:
        """Single cells by the chunk that holds them, so that each is decoded once.

        Parameters
        ----------
        rows, cols : (cells,) of integers
            Inside the array.

        Returns
        -------
        Of each chunk that holds some, in the order of rows and columns, which of the cells those are
        """
        height, width = self.chunk
        per_row = self.chunk_counts[1]
        numbers = rows // height * per_row + cols // width
        order = np.argsort(numbers, kind="stable")
        different, starts = np.unique(numbers[order], return_index=True)
        _, *groups = np.split(order, starts)
        places = (ChunkPlace(*divmod(number, per_row)) for number in different.tolist())
        return dict(zip(places, groups, strict=True))


class StoredChunks:
    """The chunks of an array, such as `0/elevation`. Threads may share it."""

    def __init__(self, objects: StrictObjects, path: str, array_format: ArrayFormat) -> None:
        self.format = array_format
        self._objects = objects
        self._path = path
        self._indexes: dict[str, NDArray[np.uint64]] = {}
        self._lock = Lock()

    def read(self, places: Sequence[ChunkPlace]) -> Iterator[tuple[ChunkPlace, Cells | None]]:
        """Read and decode chunks, each of them once.

        Parameters
        ----------
        places : sequence of ChunkPlace
            Different ones, inside the array.

        Yields
        ------
        The place, and its cells: (chunk height, chunk width) of the array's dtype, those beyond the
        array's edge without meaning; None where all of them are fill, which is not decoded

        Raises
        ------
        PyramidCorrupt
            A stored byte is missing or damaged; never read as nodata.
        StoreFailed
            The store cannot be read now, which says nothing about the pyramid.
        """
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            parts = self._parts(some)
            stored = [part for part in parts if part is not None]
            data = iter(self._objects.read_parts(stored))
            for place, part in zip(some, parts, strict=True):
                yield place, None if part is None else self._decode(next(data), part)

    def _decode(self, data: bytes, part: StoredPart) -> Cells:
        cells = np.empty(self.format.chunk, self.format.dtype.newbyteorder("<"))
        try:
            Zstd().decode(data, cells)
        except (RuntimeError, ValueError) as error:
            raise PyramidCorrupt(part.stored.key, "a chunk cannot be decompressed") from error
        return cells.astype(self.format.dtype, copy=False)

    def _parts(self, places: Sequence[ChunkPlace]) -> list[StoredPart | None]:
        """Where the bytes of chunks lie; None for those that are all fill."""
        objects = [self._object_of(place) for place in places]
        if not self.format.is_sharded:
            return [None if stored is None else StoredPart.whole(stored) for stored in objects]
        known = self._read_indexes({stored.key: stored for stored in objects if stored is not None})
        return [
            None if stored is None else self._part(place, stored, known[stored.key])
            for place, stored in zip(places, objects, strict=True)
        ]

    def _object_of(self, place: ChunkPlace) -> StoredObject | None:
        """The object that holds a chunk; None when all of it is fill."""
        rows, cols = self.format.chunks_per_object
        key = f"{self._path}/c/{place.row // rows}/{place.col // cols}"
        manifest = self._objects.manifest
        stored = manifest.objects.get(key)
        if stored is None and key not in manifest.empty:
            raise PyramidCorrupt(key, "the manifest does not know this chunk")
        return stored

    def _part(self, place: ChunkPlace, stored: StoredObject, index: NDArray[np.uint64]) -> StoredPart | None:
        rows, cols = self.format.chunks_per_object
        start, size = index[place.row % rows * cols + place.col % cols].tolist()
        return None if start == ABSENT else StoredPart(stored, start, size)

    def _read_indexes(self, shards: Mapping[str, StoredObject]) -> Mapping[str, NDArray[np.uint64]]:
        """The indexes of shards, from memory if they were read before."""
        with self._lock:
            known = {key: self._indexes[key] for key in shards if key in self._indexes}
        lacking = [stored for key, stored in shards.items() if key not in known]
        size = index_bytes(math.prod(self.format.chunks_per_object))
        parts = [StoredPart(stored, stored.size - size, size) for stored in lacking]
        for stored, data in zip(lacking, self._objects.read_parts(parts), strict=True):
            try:
                known[stored.key] = read_index(data)
            except RuntimeError as error:
                raise PyramidCorrupt(stored.key, "the index of the shard is damaged") from error
        self._keep({stored.key: known[stored.key] for stored in lacking})
        return known

    def _keep(self, indexes: Mapping[str, NDArray[np.uint64]]) -> None:
        with self._lock:
            self._indexes |= indexes
            while len(self._indexes) > KEPT_INDEXES:
                self._indexes.pop(next(iter(self._indexes)))
