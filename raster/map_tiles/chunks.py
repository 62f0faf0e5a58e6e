"""The values of a stored pyramid by chunk: read strictly, decoded once, kept for all who ask."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, cast

import numpy as np
import zarr
from numpy.typing import NDArray

from raster.cells import Cells
from raster.errors import PyramidCorrupt
from raster.grid import Grid, Window
from raster.map_tiles.chunk_cache import ChunkCache, ChunkKey
from raster.metrics.interface import VALUE
from raster.object_format import ABSENT, decode_chunk, index_bytes, read_index
from raster.storage.store import Root, read_manifest
from raster.strict_objects import StrictObjects
from raster.strict_store import StrictStore

KEPT_INDEXES = 256
"""Indexes of shards that are kept for each pyramid: 16 bytes for each of their chunks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFormat:
    """How the values of a level are stored: shape in cells, chunk, and chunks down and across a shard.

    `shard` is (1, 1) where each object is one chunk; then it has no index.
    """

    shape: tuple[int, int]
    chunk: tuple[int, int]
    shard: tuple[int, int]
    dtype: np.dtype[Any]
    fill: Any
    is_sharded: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Cells of a window of a level, C-contiguous and not to be written into."""

    cells: Cells
    window: Window


class StoredChunks:
    """The values of a finished pyramid, chunk by chunk. May be used by many threads.

    Parameters
    ----------
    grid : Grid
        Level 0.
    cache : ChunkCache
        May be that of many pyramids.
    """

    def __init__(self, root: Root, grid: Grid, cache: ChunkCache, manifest_sha256: str | None = None) -> None:
        self.grid = grid
        self._cache = cache
        self._name = root.url
        manifest = read_manifest(root, manifest_sha256)
        self._objects = StrictObjects(root, manifest)
        self.levels = _open_levels(StrictStore(root, manifest), grid.level_count)
        self._indexes: OrderedDict[str, NDArray[np.uint64]] = OrderedDict()
        self._lock = Lock()

    def get_chunk(self, level: int, row: int, col: int) -> Cells | None:
        """A whole chunk, which may stick out over the level; None when it is all fill.

        Returns
        -------
        (chunk height, chunk width), read-only

        Raises
        ------
        PyramidCorrupt, StoreFailed
        """
        key = ChunkKey(self._name, level, row, col)
        return self._cache.get(key, partial(self._decode, level, row, col))

    def read_block(self, level: int, window: Window) -> Block | None:
        """Cells around a window, which lies in the level; None when all of them are fill.

        Raises
        ------
        PyramidCorrupt, StoreFailed
        """
        stored = self.levels[level]
        height, width = stored.chunk
        places = [
            Window(row=row * height, col=col * width, height=height, width=width)
            for row in range(window.row // height, (window.row_stop - 1) // height + 1)
            for col in range(window.col // width, (window.col_stop - 1) // width + 1)
        ]
        found = [(place, self.get_chunk(level, place.row // height, place.col // width)) for place in places]
        if all(chunk is None for _, chunk in found):
            return None
        if len(found) == 1 and found[0][1] is not None:
            return Block(found[0][1], found[0][0])
        cells: Cells = np.empty(window.shape, stored.dtype)
        for place, chunk in found:
            part = cast("Window", window.intersection(place))
            piece = stored.fill if chunk is None else chunk[part.relative_to(place).slices]
            cells[part.relative_to(window).slices] = piece
        return Block(cells, window)

    def _decode(self, level: int, row: int, col: int) -> Cells | None:
        stored = self.levels[level]
        down, across = stored.shard
        key = f"{level}/{VALUE}/c/{row // down}/{col // across}"
        object_ = self._objects.manifest.objects.get(key)
        if object_ is None:
            if key not in self._objects.manifest.empty:
                raise PyramidCorrupt(key, "the manifest does not know this chunk")
            return None
        start, stop = 0, object_.size
        if stored.is_sharded:
            index = self._index(key, down * across)
            start, size = index[row % down * across + col % across].tolist()
            if start == ABSENT:
                return None
            stop = start + size
        try:
            return decode_chunk(self._objects.read_range(object_, start, stop), stored.chunk, stored.dtype)
        except RuntimeError as error:
            raise PyramidCorrupt(key, "a chunk is damaged") from error

    def _index(self, key: str, chunk_count: int) -> NDArray[np.uint64]:
        with self._lock:
            known = self._indexes.get(key)
        if known is not None:
            return known
        stored = self._objects.manifest.objects[key]
        data = self._objects.read_range(stored, stored.size - index_bytes(chunk_count), stored.size)
        try:
            index = read_index(data)
        except RuntimeError as error:
            raise PyramidCorrupt(key, "the index of the shard is damaged") from error
        with self._lock:
            self._indexes[key] = index
            while len(self._indexes) > KEPT_INDEXES:
                self._indexes.popitem(last=False)
        return index


def _open_levels(store: StrictStore, level_count: int) -> tuple[LevelFormat, ...]:
    """The formats of all levels, from the group's metadata.

    Raises
    ------
    PyramidCorrupt
    """
    try:
        group = zarr.open_group(store, mode="r", zarr_format=3)
        arrays = [cast("zarr.Array[Any]", group[f"{level}/{VALUE}"]) for level in range(level_count)]
    except (KeyError, ValueError) as error:
        raise PyramidCorrupt(VALUE, f"cannot be opened ({type(error).__name__})") from error
    return tuple(_format_of(array) for array in arrays)


def _format_of(array: zarr.Array[Any]) -> LevelFormat:
    height, width = array.chunks
    rows, cols = array.shards or (height, width)
    return LevelFormat(
        shape=(array.shape[0], array.shape[1]),
        chunk=(height, width),
        shard=(rows // height, cols // width),
        dtype=array.dtype,
        fill=array.fill_value,
        is_sharded=array.shards is not None,
    )
