"""A source's objects as a store for zarr, which may read them and do no more."""

from __future__ import annotations

from collections.abc import AsyncIterator

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from raster.errors import SourceRefused, SourceUnreadable
from raster.reading_store import ReadingStore, part_of
from raster.sources.folders import ByteFolder

LARGEST_OBJECT = 2**28
"""Bytes that are read of an object at once."""


class FolderStore(ReadingStore):
    """The objects below a folder; there is no listing them."""

    def __init__(self, folder: ByteFolder) -> None:
        super().__init__()
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
            part = part_of(byte_range, ranges.size)
            if part.stop - part.start > LARGEST_OBJECT:
                raise SourceRefused(self._folder.url, f"an object has more than {LARGEST_OBJECT} bytes")
            data = bytearray(part.stop - part.start)
            if ranges.read_into(part.start, data) != len(data):
                raise SourceUnreadable(self._folder.url, "an object is shorter than it was")
        return prototype.buffer.from_bytes(bytes(data))

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

    @property
    def supports_listing(self) -> bool:
        return False
