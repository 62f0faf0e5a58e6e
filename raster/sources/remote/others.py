"""Ranges of objects in other object stores, through their fsspec packages, if the operator wants that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

import fsspec

from raster.errors import SourceChanged, SourceNotFound, SourceRefused, SourceUnreachable
from raster.sources.ranges import SourceIdentity
from raster.sources.remote.answers import CHANGED, Again, Answer, check_size
from raster.sources.remote.policy import RemotePolicy

CHANGE_TIMES = ("mtime", "last_modified", "LastModified", "updated")
"""What the packages call the time of an object's last change."""

TAGS = ("etag", "ETag", "generation")


class OtherFetcher:
    """Asks an object store of one scheme.

    Where its package connects to is not judged: an operator who names the scheme trusts the store.
    """

    def __init__(self, policy: RemotePolicy, scheme: str) -> None:
        self._policy = policy
        self._scheme = scheme
        self._lock = Lock()
        self._files: Any = None

    @asynccontextmanager
    async def ask(
        self, url: str, start: int, stop: int, known: SourceIdentity | None
    ) -> AsyncIterator[Answer]:
        # these packages' calls block, or run in the loop that this coroutine must not keep
        identity, data = await asyncio.to_thread(self._read, url, start, stop, known)
        yield Answer(identity=identity, start=start, stop=start + len(data), chunks=_once(data))

    async def identify(self, url: str, known: SourceIdentity) -> SourceIdentity:
        return await asyncio.to_thread(self._identify, url)

    async def close(self) -> None:
        self._files = None

    def _read(
        self, url: str, start: int, stop: int, known: SourceIdentity | None
    ) -> tuple[SourceIdentity, bytes]:
        """Bytes of a content that was there before and after they were read."""
        before = known or self._identify(url)
        check_size(self._policy, url, before.size, is_whole=False)
        wanted = min(stop, before.size) - start
        with _told(url, self._scheme):
            data = bytes(self._open().cat_file(_path(url), start=start, end=start + wanted))
        if self._identify(url) != before:
            raise SourceChanged(url, CHANGED)
        if len(data) != wanted:
            raise Again(SourceUnreachable(url, "its store gives another number of bytes than it says"))
        return before, data

    def _identify(self, url: str) -> SourceIdentity:
        with _told(url, self._scheme):
            files, path = self._open(), _path(url)
            files.invalidate_cache(path)
            info = files.info(path)
        size = info.get("size")
        if info.get("type") == "directory" or not isinstance(size, int):
            raise SourceNotFound(url, "no such object")
        changed = next((info[name] for name in CHANGE_TIMES if info.get(name)), None)
        tag = next((str(info[name]) for name in TAGS if info.get(name)), None)
        return SourceIdentity(size=size, mtime_ns=_nanoseconds(changed), etag=tag)

    def _open(self) -> Any:
        with self._lock:
            if self._files is None:
                options = dict(self._policy.others[self._scheme])
                self._files = fsspec.filesystem(self._scheme, skip_instance_cache=True, **options)
            return self._files


@contextmanager
def _told(url: str, scheme: str) -> Iterator[None]:
    """Whatever goes wrong in a package is told as what it means for the source.

    Raises
    ------
    SourceError
    Again
    """
    try:
        yield
    except ImportError as error:
        raise SourceRefused(url, f"{scheme}:// needs a package of fsspec that is not installed") from error
    except FileNotFoundError as error:
        raise SourceNotFound(url, "no such object") from error
    except PermissionError as error:
        raise SourceUnreachable(url, "its store does not give it to this service") from error
    except Exception as error:  # each package has errors of its own; what it was is kept as the cause
        raise Again(SourceUnreachable(url, f"its store fails ({type(error).__name__})")) from error


def _path(url: str) -> str:
    return url.partition("://")[2]


def _nanoseconds(changed: object) -> int | None:
    """Of a time as a package tells it: a moment, seconds since 1970, or a text; None of anything else."""
    if isinstance(changed, str):
        changed = _moment(changed)
    if isinstance(changed, datetime):
        changed = changed.timestamp()
    return int(changed) * 10**9 if isinstance(changed, int | float) else None


def _moment(text: str) -> datetime | None:
    """A time as in ISO 8601, or as in HTTP."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError):
            return parse(text)
    return None


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
