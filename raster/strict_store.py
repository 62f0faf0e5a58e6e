"""A read-only Zarr store that never turns lost bytes into nodata.

Zarr reads a chunk that is not there as fill value. Here the manifest decides: a chunk it lists
as empty is absent, any other that is missing, empty or short is corruption.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from raster.errors import PyramidCorrupt
from raster.storage.manifest import Manifest
from raster.storage.store import Root
from raster.strict_objects import StrictObjects


class StrictStore(Store):
    """The objects of a manifest below `root`.

    Not a `zarr.storage.WrapperStore`: that one forwards every further way to read which a newer
    zarr adds past this class, while `Store` derives them from `get`.
    """

    def __init__(self, root: Root, manifest: Manifest) -> None:
        super().__init__(read_only=True)
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
        start, stop = _part(byte_range, stored.size)
        data = await self._objects.read(stored, start, None if byte_range is None else stop)
        return prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

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

    async def set(self, key: str, value: Buffer) -> None:
        raise PermissionError(f"{key}: a published pyramid never changes")

    async def delete(self, key: str) -> None:
        raise PermissionError(f"{key}: a published pyramid never changes")

    @property
    def supports_writes(self) -> bool:
        return False

    @property
    def supports_deletes(self) -> bool:
        return False

    @property
    def supports_listing(self) -> bool:
        return True


def _part(byte_range: ByteRequest | None, size: int) -> tuple[int, int]:
    """The bytes of `size` bytes that a request asks for: from, to."""
    match byte_range:
        case None:
            return 0, size
        case RangeByteRequest():
            return byte_range.start, max(byte_range.start, min(byte_range.end, size))
        case OffsetByteRequest():
            return byte_range.offset, max(byte_range.offset, size)
        case SuffixByteRequest():
            return max(0, size - byte_range.suffix), size
