"""Which local paths may be tiles: those below the tile roots, whatever the path says on the way there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from raster.errors import SourceForbidden, SourceNotFound, SourceRefused

if TYPE_CHECKING:
    from raster.sources.remote.remote import RemoteSources

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*:(//|:)")
_NO_PATH = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters forge lines of a log, lone surrogates fit into no database."""

LONGEST_URL = 2048


@dataclass(frozen=True, slots=True)
class TileRoots:
    """Folders that hold tiles, at least one, absolute; and how sources by URL are opened, if at all."""

    folders: tuple[Path, ...]
    remote: RemoteSources | None = None

    def resolve(self, url: str) -> Path:
        """The file that a source names, links followed.

        Relative paths are looked up in each root, the first that has the file wins.

        Raises
        ------
        SourceForbidden
            The path, or what it links to, lies outside every root.
        SourceNotFound
            There is no such file.
        SourceRefused
            A URL, or not a path at all.
        """
        if is_url(url):
            raise SourceRefused(url, "only files below the tile root are taken, no URLs")
        if not 0 < len(url) <= LONGEST_URL or _NO_PATH.search(url):
            raise SourceRefused(printable(url), "this is not a path")
        try:
            return self._resolve(url)
        except (OSError, RuntimeError) as error:
            # a name too long for the disk, a folder that may not be searched, links in a circle
            raise SourceNotFound(url, "no such file below the tile root (ZIGGURAT_TILE_ROOT)") from error

    def _resolve(self, url: str) -> Path:
        candidates = [folder / url for folder in self.folders]
        inside = [path for candidate in candidates if self._holds(path := candidate.resolve())]
        if not inside:
            raise SourceForbidden(url, "the path leaves the tile root (ZIGGURAT_TILE_ROOT)")
        for path in inside:
            if path.is_file() or (is_array(url) and path.is_dir()):
                return path
        raise SourceNotFound(url, "no such file below the tile root (ZIGGURAT_TILE_ROOT)")

    def url_of(self, path: Path) -> str:
        """How the catalogue names a file: relative to its root, absolute if that would name another.

        Raises
        ------
        SourceForbidden
            The file lies outside every root.
        """
        resolved = path.resolve()
        for folder in self.folders:
            if resolved.is_relative_to(folder.resolve()):
                url = resolved.relative_to(folder.resolve()).as_posix()
                return url if self.resolve(url) == resolved else resolved.as_posix()
        raise SourceForbidden(str(path), "the file lies outside the tile root (ZIGGURAT_TILE_ROOT)")

    def _holds(self, resolved: Path) -> bool:
        return any(resolved.is_relative_to(folder.resolve()) for folder in self.folders)


def is_url(source: str) -> bool:
    """Whether a source is meant as a URL, be it a good one or not."""
    return _SCHEME.match(source) is not None


def is_array(source: str) -> bool:
    """Whether a source is meant as a Zarr array: a folder whose name ends in `.zarr`, or one below it."""
    return re.search(r"\.zarr(/[^.?][^?]*|/)?\Z", source, re.IGNORECASE) is not None


def printable(url: str) -> str:
    """The beginning of what should have been a path or a URL, to be told."""
    return _NO_PATH.sub("\N{REPLACEMENT CHARACTER}", url[:80])
