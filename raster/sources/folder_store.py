"""A source's objects as a store for zarr, which may read them and do no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from raster.errors import SourceRefused, SourceUnreadable
from raster.sources.folders import ByteFolder

LARGEST_OBJECT = 2**28
"""Bytes that are read of an object at once."""


class FolderStore(Store):
    """The objects below a folder; there is no listing them."""

    def __init__(self, folder: ByteFolder) -> None:
        super().__init__(read_only=True)
        self._folder = folder

    def __eq__(self, value: object) -> bool:
        return self is value

    __hash__ = None  # type: ignore[assignment]

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        with self._folder.open_key(key) as ranges:
            if ranges is None:
                return None
            start, stop = _part(byte_range, ranges.size)
            if stop - start > LARGEST_OBJECT:
                raise SourceRefused(self._folder.url, f"an object has more than {LARGEST_OBJECT} bytes")
            data = bytearray(max(0, stop - start))
            if ranges.read_into(start, data) != len(data):
                raise SourceUnreadable(self._folder.url, "an object is shorter than it was")
        return prototype.buffer.from_bytes(bytes(data))

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        with self._folder.open_key(key) as ranges:
            return ranges is not None

    async def list(self) -> AsyncIterator[str]:
        nothing: tuple[str, ...] = ()
        for key in nothing:
            yield key

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        return self.list()

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self.list()

    async def set(self, key: str, value: Buffer) -> None:
        raise PermissionError(key)

    async def delete(self, key: str) -> None:
        raise PermissionError(key)

    @property
    def supports_writes(self) -> bool:
        return False

    @property
    def supports_deletes(self) -> bool:
        return False

    @property
    def supports_listing(self) -> bool:
        return False


def _part(byte_range: ByteRequest | None, size: int) -> tuple[int, int]:
    match byte_range:
        case None:
            return 0, size
        case RangeByteRequest():
            return byte_range.start, min(byte_range.end, size)
        case OffsetByteRequest():
            return byte_range.offset, size
        case SuffixByteRequest():
            return max(0, size - byte_range.suffix), size
