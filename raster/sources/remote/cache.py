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
from time import monotonic, sleep, time
from typing import BinaryIO
from uuid import uuid4

from raster.sources.ranges import SourceIdentity

BLOCK_BYTES = 2**16

SWEPT_SHARE = 16
"""The cache is swept when that part of it has been written since."""

SPARED_SHARE = 0.9
"""A sweep leaves so much of the bound."""

LOCK = ".lock"

LONGEST_TURN_S = 60.0
"""A process that is frozen while it fetches holds others up for so long; then bytes come twice."""

POLL_S = 0.01

UNTOUCHED_S = 3600.0


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
        """Alone among all threads and processes that would fetch of this source, if they do not take long."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("wb") as file:
            # let go when the file is closed, also by the end of the process
            due = monotonic() + LONGEST_TURN_S
            while not _try_lock(file) and monotonic() < due:
                sleep(POLL_S)
            yield


def _try_lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
        """Remove the blocks that were read or written least recently, until there is room; and what is left.

        Blocks that others take away meanwhile are no matter.
        """
        blocks = sorted(self._blocks())
        excess = sum(size for _, size, _ in blocks) - int(self._limit_bytes * SPARED_SHARE)
        for _, size, path in blocks:
            if excess <= 0:
                break
            with suppress(OSError):
                path.unlink()
            excess -= size
        self._remove_empty()

    def _blocks(self) -> Iterator[tuple[int, int, Path]]:
        """Time of use, bytes and path of each."""
        for folder, _, names in os.walk(self._folder):
            for path in (Path(folder) / name for name in names if name != LOCK):
                with suppress(OSError):
                    status = path.stat()
                    yield max(status.st_atime_ns, status.st_mtime_ns), status.st_size, path

    def _remove_empty(self) -> None:
        """Folders that nobody has touched for long and that hold nothing but their lock."""
        for folder, folders, names in os.walk(self._folder, topdown=False):
            with suppress(OSError):
                if not folders and names == [LOCK] and time() - Path(folder).stat().st_mtime > UNTOUCHED_S:
                    (Path(folder) / LOCK).unlink()
                    Path(folder).rmdir()
