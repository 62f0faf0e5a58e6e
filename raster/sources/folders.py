"""Folders of objects as sources: a Zarr array is one. Like a file's bytes, but each object has its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

from raster.errors import SourceNotFound, SourceRefused
from raster.sources.ranges import ByteRanges, LocalRanges, SourceIdentity
from raster.sources.roots import TileRoots

METADATA = ("zarr.json", ".zarray")
"""The objects that make a folder a Zarr array, of version 3 and 2."""

_KEY = re.compile(r"[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*", re.ASCII)


@runtime_checkable
class ByteFolder(Protocol):
    """A source's objects."""

    @property
    def url(self) -> str:
        """The source as it is registered."""

    @property
    def identity(self) -> SourceIdentity:
        """Of its metadata; other objects are taken as they are."""

    def open_key(self, key: str) -> AbstractContextManager[ByteRanges | None]:
        """An object's bytes; None when there is no such object.

        Raises
        ------
        SourceError
        """


Content = ByteRanges | ByteFolder
"""What a source's reader gets."""


def check_key(url: str, key: str) -> None:
    """Refuse keys that lead elsewhere than into the folder.

    Raises
    ------
    SourceRefused
    """
    if not 0 < len(key) <= 200 or _KEY.fullmatch(key) is None:
        raise SourceRefused(url, "its metadata names objects that no Zarr array has")


def identify_folder(folder: ByteFolder) -> SourceIdentity:
    """Of a folder's metadata, whichever version they are.

    Raises
    ------
    SourceNotFound
        There are none.
    """
    for key in METADATA:
        with folder.open_key(key) as ranges:
            if ranges is not None:
                return ranges.identity
    raise SourceNotFound(folder.url, f"no Zarr array lies there ({' or '.join(METADATA)})")


class LocalFolder:
    """A folder below the tile roots; no object of it may be a link out of them."""

    def __init__(self, roots: TileRoots, url: str) -> None:
        self._roots = roots
        self.url = url

    @property
    def identity(self) -> SourceIdentity:
        return identify_folder(self)

    @contextmanager
    def open_key(self, key: str) -> Iterator[ByteRanges | None]:
        check_key(self.url, key)
        try:
            path = self._roots.resolve(f"{self.url}/{key}")
        except SourceNotFound:
            yield None
            return
        with LocalRanges(self.url, path) as ranges:
            yield ranges
