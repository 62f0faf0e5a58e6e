"""Files of a local folder, written so that they are whole and stay."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from raster.errors import StoreFailed

SYNC_THREADS = 8
"""fsync waits for the disk, not for a core."""

ABSENT = (FileNotFoundError, NotADirectoryError)
"""Not even the folder need be there."""


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Report a disk that is full, read-only, failing or gone.

    Raises
    ------
    StoreFailed
    """
    try:
        yield
    except OSError as error:
        raise StoreFailed(str(error.filename or path), error.strerror or str(error)) from error


def read(path: Path) -> bytes | None:
    """A file's bytes, None when it is missing."""
    try:
        return path.read_bytes()
    except ABSENT:
        return None


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old or the new bytes, never a part of them."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        temporary.write_bytes(data)
        sync([temporary])
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync([path.parent])


def start_flush(descriptor: int) -> None:
    """Let the disk begin: at the seal most is there already, and the wait for the rest is short."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # Linux: writes dirty pages, keeps them


def sync(paths: Iterable[Path]) -> None:
    """Wait until files or folders are on the disk, several at once."""
    with ThreadPoolExecutor(SYNC_THREADS) as pool:
        list(pool.map(_sync_one, paths))


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
