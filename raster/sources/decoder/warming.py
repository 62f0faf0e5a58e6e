"""What a decoder does before it is locked up: every library loads its parts and opens its files then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zarr
from affine import Affine
from numcodecs import BZ2, LZ4, Blosc, Delta, GZip, Shuffle, Zlib, Zstd
from rasterio.io import MemoryFile
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from raster.crs import canonical_crs
from raster.sources.folders import Content
from raster.sources.formats import open_by_name
from raster.sources.ranges import ByteRanges, MemoryRanges, SourceIdentity

GRID_FILE = b"ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2\n3 4\n"

CRS = "EPSG:32632"


class MemoryFolder:
    """Objects that are in memory."""

    url = "a.zarr"
    identity = SourceIdentity(size=0)

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    @contextmanager
    def open_key(self, key: str) -> Iterator[ByteRanges | None]:
        data = self._objects.get(key)
        yield None if data is None else _in_memory(key, data)


def warm_up() -> None:
    """Read a sample of everything."""
    canonical_crs(CRS)
    for content in (_in_memory("a.tif", _geotiff()), _in_memory("a.asc", GRID_FILE), *_arrays()):
        with open_by_name(content) as source:
            source.read_window(source.info.window)


def _in_memory(name: str, data: bytes) -> MemoryRanges:
    return MemoryRanges(name, name, data, SourceIdentity(size=len(data)))


def _geotiff() -> bytes:
    with MemoryFile() as file:
        profile = {"height": 2, "width": 2, "count": 1, "dtype": "int16", "crs": CRS}
        with file.open(driver="GTiff", transform=Affine(10, 0, 5, 0, -10, 5), **profile) as raster:
            raster.write(np.ones((1, 2, 2), np.int16))
        return bytes(file.getbuffer())


def _arrays() -> Iterator[Content]:
    for compressor in (ZstdCodec(checksum=True), GzipCodec(), BloscCodec()):
        yield _array(compressors=compressor)
        yield _array(compressors=compressor, shards=(2, 2))
    for codec in (Zlib(), GZip(), Zstd(), Blosc(), LZ4(), BZ2()):
        yield _array(zarr_format=2, compressors=codec, filters=[Delta("i2"), Shuffle(2)])


def _array(**how: Any) -> MemoryFolder:
    store = MemoryStore()
    attributes: dict[str, Any] = {"spatial:transform": [1, 0, 0, 0, -1, 0], "proj:code": CRS}
    array = zarr.create_array(store, shape=(2, 2), chunks=(1, 1), dtype="int16", attributes=attributes, **how)
    array[...] = 1
    return MemoryFolder(asyncio.run(_objects(store)))


async def _objects(store: MemoryStore) -> dict[str, bytes]:
    found = {key: await store.get(key, default_buffer_prototype()) async for key in store.list()}
    return {key: data.to_bytes() for key, data in found.items() if data is not None}
