"""The objects of a Zarr array elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from raster.errors import SourceNotFound
from raster.sources.folders import check_key, identify_folder
from raster.sources.ranges import ByteRanges, SourceIdentity

if TYPE_CHECKING:
    from raster.sources.remote.remote import RemoteSources


class RemoteFolder:
    """Objects below a URL, which has no query; each stays the one it was when it was first opened."""

    def __init__(self, sources: RemoteSources, url: str, known: SourceIdentity | None) -> None:
        self._sources = sources
        self.url = url
        self._seen: dict[str, SourceIdentity] = {}
        self.identity = identify_folder(self) if known is None else known

    @contextmanager
    def open_key(self, key: str) -> Iterator[ByteRanges | None]:
        check_key(self.url, key)
        try:
            ranges = self._sources.open_object(f"{self.url}/{key}", self._seen.get(key))
        except SourceNotFound:
            yield None
            return
        self._seen[key] = ranges.identity
        yield ranges
