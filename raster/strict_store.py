"""A read-only Zarr store that never turns lost bytes into nodata.

Zarr reads a chunk that is not there as fill value. Here the manifest decides: a chunk it lists
as empty is absent, any other that is missing, empty or short is corruption.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from raster.errors import PyramidCorrupt
from raster.reading_store import ReadingStore, part_of
from raster.storage.manifest import Manifest
from raster.storage.store import Root
from raster.strict_objects import StrictObjects


class StrictStore(ReadingStore):
    """The objects of a manifest below `root`."""

    def __init__(self, root: Root, manifest: Manifest) -> None:
        super().__init__()
        self._objects = StrictObjects(root, manifest)
        self._manifest = manifest

    def __eq__(self, value: object) -> bool:
        return isinstance(value, StrictStore) and value._objects.root == self._objects.root

    __hash__ = None  # type: ignore[assignment]

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        stored = self._manifest.objects.get(key)
        if stored is None:
            if "/c/" in key and key not in self._manifest.empty:
                raise PyramidCorrupt(key, "the manifest does not know this chunk")
            return None
        part = part_of(byte_range, stored.size)
        data = await self._objects.read(stored, part.start, None if byte_range is None else part.stop)
        return prototype.buffer.from_bytes(data)

    async def exists(self, key: str) -> bool:
        return key in self._manifest.objects

    async def list(self) -> AsyncIterator[str]:
        for key in self._manifest.objects:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in self._manifest.objects:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        below = {key[len(start) :].split("/")[0] for key in self._manifest.objects if key.startswith(start)}
        for name in sorted(below):
            yield name

    @property
    def supports_listing(self) -> bool:
        return True
