"""Bytes of a source by range: all that a reader knows of where its source lies."""

from __future__ import annotations

import errno
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from raster.errors import SourceNotFound, SourceUnreadable

Buffer = bytearray | memoryview


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
        """Which content they are of, as of now; an archive's for its members."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def read_into(self, start: int, buffer: Buffer) -> int:
        """Fill a buffer with the bytes from `start`.

        Returns
        -------
        Number of bytes, less than the buffer's only at the end of the source

        Raises
        ------
        SourceUnreadable
            The disk or the network fails.
        """


class LocalRanges:
    """A local file's bytes.

    Read, not memory-mapped: touching a mapped page that somebody's overwriting has cut off
    kills the process (SIGBUS), while a short read is an error with a name.

    Parameters
    ----------
    url : str
        The source as it is registered.
    path : Path
        A regular file, links followed: one that has become a link or a pipe since is refused.
    """

    def __init__(self, url: str, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise SourceNotFound(url, error.strerror or "cannot be opened") from error
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise SourceNotFound(url, "not a regular file")
        self.url = url
        self.name = path.name
        self.size = status.st_size

    @property
    def identity(self) -> SourceIdentity:
        status = os.fstat(self._descriptor)
        return SourceIdentity(size=status.st_size, mtime_ns=status.st_mtime_ns)

    def read_into(self, start: int, buffer: Buffer) -> int:
        if start >= self.size:  # offsets in files may be larger than any system call takes
            return 0
        wanted = memoryview(buffer)
        done = 0
        try:
            # one call gives at most 2 GiB
            while done < len(wanted) and (got := os.preadv(self._descriptor, [wanted[done:]], start + done)):
                done += got
        except OSError as error:
            raise SourceUnreadable(self.url, error.strerror or "cannot be read") from error
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


class MemoryRanges:
    """Bytes that are in memory already: a member of an archive."""

    def __init__(self, url: str, name: str, data: bytes, identity: SourceIdentity) -> None:
        self._data = memoryview(data)
        self.size = len(data)
        self.url = url
        self.name = name
        self.identity = identity

    def read_into(self, start: int, buffer: Buffer) -> int:
        part = self._data[start : start + len(buffer)]
        memoryview(buffer)[: len(part)] = part
        return len(part)


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
        position = origin[whence] + offset
        if position < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

    def readinto(self, buffer: Buffer) -> int:  # type: ignore[override]
        got = self._ranges.read_into(self._position, buffer)
        self._position += got
        return got
