"""What a server gives for a range of a source, whatever its protocol."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from raster.errors import SourceRefused, SourceUnreachable
from raster.sources.ranges import SourceIdentity
from raster.sources.remote.policy import RemotePolicy

CHANGED = "it changed since it was registered; register it again"

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Bytes from `start` to `stop` of a source: those asked for, or all, of a server that knows no ranges."""

    identity: SourceIdentity
    start: int
    stop: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Part:
    """What a `Content-Range` says."""

    first: int
    stop: int
    size: int


def parse_range(header: str | None) -> Part | None:
    """A `Content-Range` that tells everything; else None."""
    found = _RANGE.fullmatch(header or "")
    return None if found is None else Part(int(found[1]), int(found[2]) + 1, int(found[3]))


class Again(Exception):
    """The request failed in a way that may pass; after `pause_s` if the server names a time."""

    def __init__(self, told: SourceUnreachable, pause_s: float | None = None) -> None:
        super().__init__(told)
        self.told = told
        self.pause_s = pause_s


class Fetcher(Protocol):
    """Asks servers of one protocol, once."""

    def ask(
        self, url: str, start: int, stop: int, known: SourceIdentity | None
    ) -> AbstractAsyncContextManager[Answer]:
        """Ask for the bytes from `start` to `stop` of a source.

        Parameters
        ----------
        known : SourceIdentity or None
            The content they are to be of.

        Raises
        ------
        Again
        SourceError
        """

    async def identify(self, url: str, known: SourceIdentity) -> SourceIdentity:
        """Which content the source has now, for next to no bytes.

        Raises
        ------
        Again
        SourceError
        """

    async def close(self) -> None:
        """Close connections."""


def check_size(policy: RemotePolicy, url: str, size: int, *, is_whole: bool) -> None:
    """Refuse a source for its size before its bytes come.

    Raises
    ------
    SourceRefused
    """
    if size > policy.largest_bytes:
        raise SourceRefused(url, f"it has {size} bytes, at most {policy.largest_bytes} are taken")
    if is_whole and size > policy.cache_bytes // 2:
        raise SourceRefused(
            url,
            f"its server knows no ranges and {size} bytes are too many to keep here, at most "
            f"{policy.cache_bytes // 2} are; put it on a server that knows ranges",
        )
