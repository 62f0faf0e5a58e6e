"""Where a pyramid's bytes are put: a folder of immutable objects, and the manifest that lists them.

Written once, never overwritten: a generation lives at a place of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from raster.errors import PyramidCorrupt

PARTIAL = ".partial"
"""Suffix of an object that is being written; what ends so belongs to a writer that was killed."""

MANIFEST = "manifest.json"
"""How errors call the manifest, whatever its file's name."""

SYNC_THREADS = 8
"""fsync waits for the disk, not for a core."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it was put: key below the pyramid, bytes, CRC-32 of them."""

    key: str
    size: int
    crc32: int


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


class ObjectFolder:
    """A pyramid's folder on a local disk, while it is written."""

    def __init__(self, root: Path) -> None:
        new_parents = [folder for folder in root.parents if not folder.exists()]
        root.mkdir(parents=True)
        _sync(folder.parent for folder in new_parents)
        self._root = root

    def put(self, key: str, *pieces: bytes) -> StoredObject:
        """Write one object, given in pieces; parent folders come by themselves."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        # renamed into place: a task that runs twice, on two workers, never leaves a part of a shard
        temporary = path.with_name(f"{path.name}.{uuid4().hex}{PARTIAL}")
        crc32 = 0
        with temporary.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                crc32 = zlib.crc32(piece, crc32)
            file.flush()
            _start_flush(file.fileno())
        temporary.replace(path)
        return StoredObject(key, sum(map(len, pieces)), crc32)

    def get(self, key: str) -> bytes:
        """One object's bytes, while the pyramid is written."""
        return (self._root / key).read_bytes()

    def take_over(self, stored: StoredObject, folder: Path) -> bytes | None:
        """Link an object of another folder into this one, or copy it where links cannot be made.

        Returns
        -------
        Its bytes; None, and nothing is linked, when it is not whole there
        """
        source, path = folder / stored.key, self._root / stored.key
        data = read_whole(source, stored)
        if data is None:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.hardlink_to(source)
        except OSError:
            self.put(stored.key, data)
        return data

    def seal(self, manifest: Manifest) -> str:
        """Wait until everything is on the disk, then put the manifest beside the folder.

        Files first, then the folders that name them, the pyramid's own place last: so a manifest
        lists nothing that a power cut could still take away.

        Returns
        -------
        SHA-256 of the manifest, hexadecimal
        """
        text = manifest.to_json()
        files = [self._root / key for key in manifest.objects]
        folders = {folder for file in files for folder in file.relative_to(self._root).parents}
        _sync(files)
        _sync(self._root / folder for folder in folders)
        _sync([self._root.parent])
        replace_file(manifest_path(self._root), text)
        return _digest(text)


def manifest_path(root: Path) -> Path:
    """The manifest of the pyramid at `root`: beside it, since a Zarr group holds Zarr nodes only."""
    return root.with_suffix(".manifest.json")


def read_manifest(root: Path, sha256: str | None = None) -> Manifest:
    """The manifest of a finished pyramid.

    Parameters
    ----------
    root : Path
    sha256 : str, optional
        What sealing it returned, hexadecimal. Without it, a manifest that was changed so that it still is
        one goes unnoticed.

    Raises
    ------
    PyramidCorrupt
        It is missing, damaged or another one.
    OSError
        The disk cannot be read now, which says nothing about the pyramid.
    """
    try:
        text = manifest_path(root).read_bytes()
    except FileNotFoundError as error:
        raise PyramidCorrupt(MANIFEST, "the manifest is missing") from error
    manifest = Manifest.from_json(text)
    if sha256 is not None and _digest(text) != sha256:
        raise PyramidCorrupt(MANIFEST, "the manifest is not the one that was published")
    return manifest


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def read_whole(path: Path, stored: StoredObject) -> bytes | None:
    """A file's bytes if they have the size and checksum of the object; that it exists says nothing."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if len(data) == stored.size and zlib.crc32(data) == stored.crc32 else None


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old or the new bytes, never a part of them."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        temporary.write_bytes(data)
        _sync([temporary])
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync([path.parent])


def _start_flush(descriptor: int) -> None:
    """Let the disk begin: at the seal most is there already, and the wait for the rest is short."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # Linux: writes dirty pages, keeps them


def _sync(paths: Iterable[Path]) -> None:
    with ThreadPoolExecutor(SYNC_THREADS) as pool:
        list(pool.map(_sync_one, paths))


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
