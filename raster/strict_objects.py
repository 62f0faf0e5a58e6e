"""Stored objects of a finished pyramid, read so that lost bytes are an error and never nodata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isal import isal_zlib

from raster.errors import PyramidCorrupt
from raster.skeleton import METADATA
from raster.storage.manifest import Manifest, StoredObject, StoredPart
from raster.storage.store import Root


@dataclass(frozen=True, slots=True)
class StrictObjects:
    """The objects of a manifest below `root`, verified by presence and length, metadata also by checksum.

    Cells carry checksums of their own; metadata does not, and a flipped bit in it changes what
    empty chunks read as.
    """

    root: Root
    manifest: Manifest

    async def read(self, stored: StoredObject, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes of an object, from `start` to `stop`, which lies in it; by default all of them.

        Raises
        ------
        PyramidCorrupt
            The object is missing, shorter or longer than it was, or it is metadata and was changed.
        StoreFailed
            The store cannot be read now, which says nothing about the pyramid.
        """
        # the whole is read to its end, wherever that is
        return _checked(stored, start, stop, await self.root.read_part(stored.key, start, stop))

    def read_parts(self, parts: Sequence[StoredPart]) -> list[bytes]:
        """Bytes of each part; of a store that is asked over a network, of many at once. Blocks.

        Raises
        ------
        PyramidCorrupt, StoreFailed
            As `read`.
        """
        found = self.root.read_parts(parts)
        return [
            _checked(part.stored, part.start, part.stop, data)
            for part, data in zip(parts, found, strict=True)
        ]


def _checked(stored: StoredObject, start: int, stop: int | None, data: bytes | None) -> bytes:
    """The bytes that were read, if they are what was stored, as far as can be seen."""
    size = (stored.size if stop is None else stop) - start
    if data is None:
        raise PyramidCorrupt(stored.key, "missing")
    if len(data) != size:
        raise PyramidCorrupt(stored.key, f"{len(data)} bytes where {size} were stored")
    is_whole = start == 0 and stop is None
    if stored.key.endswith(METADATA) and is_whole and isal_zlib.crc32(data) != stored.crc32:
        raise PyramidCorrupt(stored.key, "other bytes than were stored")
    return data
