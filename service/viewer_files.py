"""Files of the viewer as they are served, its own and those of the packages that `scripts/viewer` fetched."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.etags import etag_of_bytes
from service.request_errors import ViewerFileNotFound

FOLDER = Path(__file__).parent / "viewer"
PAGE = "index.html"
MAP_LIBRARY = "packages/maplibre-gl/maplibre-gl.mjs"

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Files with other names are not served."""

_NAME = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)
"""No segment begins with a dot, so none leads out of the folder."""


@dataclass(frozen=True, slots=True)
class ViewerFile:
    """A file and how it is told of; `packed` is the content with gzip."""

    content: bytes
    packed: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class _Kept:
    file: ViewerFile
    written: tuple[int, int]


class ViewerFiles:
    """Files below a folder, read when they are first asked for and again when they have changed."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._kept: dict[str, _Kept] = {}

    def get(self, name: str) -> ViewerFile:
        """The file of that name, with slashes between folders.

        Raises
        ------
        ViewerFileNotFound
        """
        path = self._folder / name
        if not _NAME.fullmatch(name) or path.suffix not in MEDIA_TYPES or not path.is_file():
            raise ViewerFileNotFound(name)
        stat = path.stat()
        written = (stat.st_mtime_ns, stat.st_size)
        kept = self._kept.get(name)
        if kept is None or kept.written != written:
            file = _as_served(path.read_bytes(), MEDIA_TYPES[path.suffix])
            kept = self._kept[name] = _Kept(file, written)
        return kept.file

    def get_page(self) -> ViewerFile:
        """The one page, told whether the library that draws maps has been fetched."""
        page = self.get(PAGE)
        if not (self._folder / MAP_LIBRARY).is_file():
            return page
        return _as_served(page.content.replace(b'data-map="absent"', b'data-map="present"'), page.media_type)


def _as_served(content: bytes, media_type: str) -> ViewerFile:
    return ViewerFile(content, gzip.compress(content, mtime=0), media_type, etag_of_bytes(content))
