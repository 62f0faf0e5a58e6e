"""Blocks of sources on this machine's disk: any number of processes share them, none is fetched twice.

A block is a file of its own, written aside and renamed, so that whoever sees it sees it whole. Which
content a block is of is part of its name: blocks of a source that has changed are not found any more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from raster.sources.ranges import SourceIdentity

BLOCK_BYTES = 2**16

SWEPT_SHARE = 16
"""The cache is swept when that part of it has been written since."""

SPARED_SHARE = 0.9
"""A sweep leaves so much of the bound."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The blocks of one content of one source."""

    folder: Path

    def read(self, index: int) -> bytes | None:
        """A block, None when it is not there."""
        try:
            return (self.folder / str(index)).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, index: int) -> bool:
        """Whether a block is there."""
        return (self.folder / str(index)).exists()

    def write(self, index: int, data: bytes) -> None:
        """Keep a block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{uuid4().hex}"
        aside.write_bytes(data)
        aside.replace(self.folder / str(index))

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Alone among all threads and processes that would fetch of this source."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("wb") as file:
            # let go when the file is closed, also by the end of the process
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class BlockCache:
    """All blocks below a folder, at most `limit_bytes` but for what is written during a sweep."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._written = limit_bytes  # what others left is looked at first

    def shelf(self, url: str, identity: SourceIdentity) -> Shelf:
        """Where the blocks of a content are kept."""
        words = (url, identity.size, identity.mtime_ns, identity.etag)
        name = hashlib.sha256(repr(words).encode()).hexdigest()
        return Shelf(self._folder / name[:2] / name)

    def note(self, byte_count: int) -> None:
        """Bytes were written: sweep now and then."""
        self._written += byte_count
        if self._written > self._limit_bytes // SWEPT_SHARE:
            self._written = 0
            self.sweep()

    def sweep(self) -> None:
        """Remove the blocks that were read or written least recently, until there is room."""
        blocks = sorted(self._blocks())
        excess = sum(size for _, size, _ in blocks) - int(self._limit_bytes * SPARED_SHARE)
        for _, size, path in blocks:
            if excess <= 0:
                return
            with suppress(OSError):  # another process sweeps, too
                Path(path).unlink()
            excess -= size

    def _blocks(self) -> Iterator[tuple[int, int, str]]:
        """Time of use, bytes and path of each."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                if name.startswith("."):
                    continue
                with suppress(OSError):
                    status = (Path(folder) / name).stat()
                    yield max(status.st_atime_ns, status.st_mtime_ns), status.st_size, f"{folder}/{name}"
