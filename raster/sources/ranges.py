"""Bytes of a source by range: all that a reader knows of where its source lies."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from raster.errors import SourceNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIdentity:
    """What tells one content of a source from another: size in bytes, and time or tag of its change."""

    size: int
    mtime_ns: int | None = None
    etag: str | None = None


class ByteRanges(Protocol):
    """A source's bytes."""

    @property
    def url(self) -> str:
        """The source as it is registered."""

    @property
    def name(self) -> str:
        """Its last part, which tells some formats where the raster lies."""

    @property
    def identity(self) -> SourceIdentity:
        """Which source they are of; an archive's for its members."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`, fewer only at the end of the source."""


class LocalRanges:
    """A local file's bytes.

    Read, not memory-mapped: touching a mapped page that somebody's overwriting has cut off
    kills the process (SIGBUS), while a short read is an error with a name.
    """

    def __init__(self, url: str, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceNotFound(url, error.strerror or "cannot be opened") from error
        status = os.fstat(self._descriptor)
        self.url = url
        self.name = path.name
        self.size = status.st_size
        self.identity = SourceIdentity(size=status.st_size, mtime_ns=status.st_mtime_ns)

    def read(self, start: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, start)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


class MemoryRanges:
    """Bytes that are in memory already: a member of an archive."""

    def __init__(self, url: str, name: str, data: bytes, identity: SourceIdentity) -> None:
        self._data = data
        self.size = len(data)
        self.url = url
        self.name = name
        self.identity = identity

    def read(self, start: int, length: int) -> bytes:
        return self._data[start : start + length]


class RangeFile(io.RawIOBase):
    """`ByteRanges` as a file, for libraries that want one."""

    mode = "rb"

    def __init__(self, ranges: ByteRanges) -> None:
        super().__init__()
        self._ranges = ranges
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ranges.size}
        self._position = origin[whence] + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._ranges.read(self._position, len(buffer))
        memoryview(buffer)[: len(data)] = data
        self._position += len(data)
        return len(data)
