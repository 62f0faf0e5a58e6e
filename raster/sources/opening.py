"""From a registered source to a reader: its bytes, here or elsewhere, and who decodes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from raster.errors import SourceChanged, SourceError, SourceNotFound, SourceRefused
from raster.sources.folders import Content, LocalFolder
from raster.sources.formats import open_by_name
from raster.sources.ranges import LocalRanges, SourceIdentity
from raster.sources.roots import TileRoots, is_array, is_url, printable
from raster.sources.source import Source, SourceInfo

if TYPE_CHECKING:
    from raster.sources.remote.remote import RemoteSources

CHANGED = "the file changed since it was registered; register it again"


@contextmanager
def open_source(roots: TileRoots, url: str) -> Iterator[Source]:
    """Open a source; read it in the thread that opened it.

    Raises
    ------
    SourceError
        Of the kind that tells why.
    """
    with _open_content(roots, url) as content, _decode(roots, content) as source:
        yield source


@contextmanager
def open_registered(
    roots: TileRoots, url: str, identity: SourceIdentity, shape: tuple[int, int]
) -> Iterator[Source]:
    """Open a source that is still the one that was registered, and has been when it is closed.

    Read it in the thread that opened it.

    Parameters
    ----------
    identity, shape
        As of the registration.

    Raises
    ------
    SourceChanged
        It was overwritten since, or while it was read.
    SourceError
        Of another kind that tells why it cannot be read.
    """
    with _open_content(roots, url, identity) as content:
        _check_identity(content, identity)
        try:
            with _decode(roots, content) as source:
                if (source.info.height, source.info.width) != shape:
                    raise SourceChanged(url, CHANGED)
                yield source
        except SourceError:
            _check_identity(content, identity)
            raise
        _check_identity(content, identity)


@contextmanager
def _open_content(roots: TileRoots, url: str, known: SourceIdentity | None = None) -> Iterator[Content]:
    if is_url(url):
        yield remote_of(roots, url).open_content(url, known)
        return
    if is_array(url):
        yield LocalFolder(roots, url)
        return
    with LocalRanges(url, roots.resolve(url)) as ranges:
        yield ranges


def confirm_registered(roots: TileRoots, url: str, identity: SourceIdentity) -> None:
    """Ask its server, or look, whether a source is still there, and the one that was registered.

    Raises
    ------
    SourceError
    """
    if is_url(url):
        remote_of(roots, url).confirm(url, identity)
        return
    with _open_content(roots, url) as content:
        _check_identity(content, identity)


@contextmanager
def _decode(roots: TileRoots, content: Content) -> Iterator[Source]:
    if is_url(content.url):
        yield remote_of(roots, content.url).decode(content)
        return
    with open_by_name(content) as source:
        yield source


def remote_of(roots: TileRoots, url: str) -> RemoteSources:
    """What opens sources by URL.

    Raises
    ------
    SourceRefused
        No URLs are taken.
    """
    if roots.remote is None:
        raise SourceRefused(printable(url), "only files below the tile root are taken, no URLs")
    return roots.remote.sources


def url_of(roots: TileRoots, source: str) -> str:
    """How the catalogue names a source, and whether it may be one.

    Raises
    ------
    SourceError
    """
    return remote_of(roots, source).url_of(source) if is_url(source) else roots.url_of(roots.resolve(source))


def identify_source(roots: TileRoots, url: str) -> SourceIdentity:
    """Which content a source has now, without looking into it.

    Raises
    ------
    SourceError
    """
    if not (is_url(url) or is_array(url)):
        return _identify_file(url, roots.resolve(url))
    with _open_content(roots, url) as content:
        return content.identity


def _identify_file(url: str, path: Path) -> SourceIdentity:
    try:
        status = path.stat()
    except OSError as error:
        raise SourceNotFound(url, error.strerror or "cannot be looked at") from error
    return SourceIdentity(size=status.st_size, mtime_ns=status.st_mtime_ns)


def _check_identity(content: Content, identity: SourceIdentity) -> None:
    if content.identity != identity:
        raise SourceChanged(content.url, CHANGED)


def inspect_source(roots: TileRoots, url: str) -> SourceInfo:
    """Facts of a source, from its header alone.

    Raises
    ------
    SourceError
    """
    with open_source(roots, url) as source:
        return source.info
