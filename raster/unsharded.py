"""A pyramid's stored bytes as a group without shards, for readers that know none (GDAL before 3.13).

The chunks of a shard are just those of an array without shards: metadata is told anew, and a chunk is
a part of its shard. Nothing is decoded.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raster.errors import PyramidCorrupt
from raster.object_format import ABSENT, index_bytes, read_index
from raster.skeleton import METADATA
from raster.storage.manifest import StoredObject, StoredPart
from raster.strict_objects import StrictObjects

KEPT_INDEXES = 1024
"""Indexes of shards that are kept: 16 bytes for each of their chunks."""

_CHUNK = re.compile(r"(?P<array>[^/]+/[^/]+)/c/(?P<row>0|[1-9][0-9]{0,9})/(?P<col>0|[1-9][0-9]{0,9})")


class UnshardedView:
    """What lies under the keys of the group without shards. For one thread, such as an event loop's."""

    def __init__(self, objects: StrictObjects) -> None:
        self._objects = objects
        self._root: dict[str, Any] | None = None
        self._indexes: dict[str, NDArray[np.uint64]] = {}

    async def find(self, key: str) -> StoredPart | bytes | None:
        """The part of a stored object, or the text of metadata; None when there is nothing.

        Raises
        ------
        PyramidCorrupt, StoreFailed
        """
        if key.endswith(METADATA):
            return await self._metadata(key)
        chunk = _CHUNK.fullmatch(key)
        shard = None if chunk is None else await self._chunks_per_shard(chunk["array"])
        if chunk is None or shard is None:
            stored = self._objects.manifest.objects.get(key)
            return None if stored is None else StoredPart.whole(stored)
        return await self._chunk(chunk["array"], int(chunk["row"]), int(chunk["col"]), shard)

    async def _metadata(self, key: str) -> bytes | None:
        document = await self._read_json(key)
        if document is None:
            return None
        return json.dumps(_without_shards(document), separators=(",", ":"), allow_nan=False).encode()

    async def _read_json(self, key: str) -> dict[str, Any] | None:
        stored = self._objects.manifest.objects.get(key)
        if stored is None:
            return None
        document: dict[str, Any] = json.loads(await self._objects.read(stored))
        return document

    async def _chunks_per_shard(self, array: str) -> tuple[int, int] | None:
        """Rows and columns of chunks in a shard; None for an array without shards, and for none."""
        if self._root is None:
            self._root = await self._read_json(METADATA)
        if self._root is None:
            raise PyramidCorrupt(METADATA, "the manifest does not know it")
        described = self._root["consolidated_metadata"]["metadata"].get(array)
        if described is None or not _is_sharded(described):
            return None
        rows, cols = described["chunk_grid"]["configuration"]["chunk_shape"]
        height, width = described["codecs"][0]["configuration"]["chunk_shape"]
        return rows // height, cols // width

    async def _chunk(self, array: str, row: int, col: int, shard: tuple[int, int]) -> StoredPart | None:
        key = f"{array}/c/{row // shard[0]}/{col // shard[1]}"
        stored = self._objects.manifest.objects.get(key)
        if stored is None:
            return None  # all of the shard is fill, or it lies outside
        index = await self._index(stored, shard[0] * shard[1])
        start, size = index[row % shard[0] * shard[1] + col % shard[1]].tolist()
        return None if start == ABSENT else StoredPart(stored, start, size)

    async def _index(self, stored: StoredObject, chunk_count: int) -> NDArray[np.uint64]:
        index = self._indexes.get(stored.key)
        if index is None:
            data = await self._objects.read(stored, stored.size - index_bytes(chunk_count), stored.size)
            try:
                index = read_index(data)
            except RuntimeError as error:
                raise PyramidCorrupt(stored.key, "the index of the shard is damaged") from error
            if len(self._indexes) >= KEPT_INDEXES:
                self._indexes.pop(next(iter(self._indexes)))
            self._indexes[stored.key] = index
        return index


def _is_sharded(array: dict[str, Any]) -> bool:
    return "codecs" in array and array["codecs"][0]["name"] == "sharding_indexed"


def _without_shards(node: dict[str, Any]) -> dict[str, Any]:
    """Metadata of a node as it would be without shards."""
    if "consolidated_metadata" in node:
        consolidated = node["consolidated_metadata"]
        below = {path: _without_shards(each) for path, each in consolidated["metadata"].items()}
        return {**node, "consolidated_metadata": {**consolidated, "metadata": below}}
    if not _is_sharded(node):
        return node
    shards = node["codecs"][0]["configuration"]
    grid = {"name": "regular", "configuration": {"chunk_shape": shards["chunk_shape"]}}
    return {**node, "chunk_grid": grid, "codecs": shards["codecs"]}
