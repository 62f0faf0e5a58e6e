"""The objects of a pyramid and the manifest that lists them, wherever they are kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from isal import isal_zlib

from raster.errors import PyramidCorrupt

MANIFEST = "manifest.json"
"""How errors call the manifest, whatever its place."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it was put: key below the pyramid, bytes, CRC-32 of them."""

    key: str
    size: int
    crc32: int

    def matches(self, data: bytes) -> bool:
        """Whether these are the bytes that were put."""
        return len(data) == self.size and isal_zlib.crc32(data) == self.crc32


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Bytes of a stored object, `size` of them from `start`."""

    stored: StoredObject
    start: int
    size: int

    @classmethod
    def whole(cls, stored: StoredObject) -> StoredPart:
        return cls(stored, 0, stored.size)

    @property
    def stop(self) -> int | None:
        """None for the whole: it is read to its end, wherever that is."""
        is_whole = self.start == 0 and self.size == self.stored.size
        return None if is_whole else self.start + self.size


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every object of a pyramid, and the chunk keys that are not stored because they only hold fill."""

    objects: dict[str, StoredObject]
    empty: frozenset[str]

    @property
    def byte_count(self) -> int:
        return sum(stored.size for stored in self.objects.values())

    def to_json(self) -> bytes:
        document = {
            "manifest": 1,
            "objects": {key: [o.size, f"{o.crc32:08x}"] for key, o in sorted(self.objects.items())},
            "empty": sorted(self.empty),
        }
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """Read a manifest.

        Raises
        ------
        PyramidCorrupt
        """
        try:
            document = json.loads(text)
            objects = {
                key: StoredObject(key, int(size), int(crc32, 16))
                for key, (size, crc32) in document["objects"].items()
            }
            return cls(objects, frozenset(document["empty"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PyramidCorrupt(MANIFEST, "the manifest is damaged") from error


def digest(text: bytes) -> str:
    """SHA-256 of a manifest, hexadecimal: it pins every byte of the pyramid."""
    return hashlib.sha256(text).hexdigest()
