"""Names on the command line as sources: files, folders and patterns, sought here and in the tile roots."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from raster.errors import SourceForbidden, SourceNotFound
from raster.sources.formats import KNOWN_SUFFIXES, is_known
from raster.sources.opening import url_of
from raster.sources.roots import TileRoots, is_url


def expand_sources(roots: TileRoots, names: Iterable[str]) -> list[str]:
    """Sources to register, in the order of the names; folders and patterns give theirs sorted, URLs are one.

    A name is taken from the current folder if something is there, else from the tile roots.
    A folder gives every file of a known kind below it; a pattern whatever it matches.

    Raises
    ------
    SourceNotFound
        A name gives nothing.
    SourceForbidden
        A file lies outside the tile roots, or a URL is not allowed.
    SourceRefused
        What looks like a URL is none that is taken.
    """
    found: dict[str, None] = {}
    for name in names:
        if is_url(name):
            found[url_of(roots, name)] = None
            continue
        for path in _find(roots, name):
            found[_url_of(roots, path)] = None
    return list(found)


def _find(roots: TileRoots, name: str) -> list[Path]:
    """Files of a name, from the first place that has any."""
    bases = (Path(), *roots.folders)
    for base in bases:
        if paths := _expand(base, name):
            return paths
    if name and any((base / name).is_dir() for base in bases):
        raise SourceNotFound(name, f"the folder holds no file of a known kind ({', '.join(KNOWN_SUFFIXES)})")
    raise SourceNotFound(
        name, f"no file, folder or pattern of that name here or in the tile root ({_list(roots)})"
    )


def _expand(base: Path, name: str) -> list[Path]:
    if not name:
        return []
    path = base / name
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and is_known(file.name))
    start, pattern = (
        (Path(path.anchor), name[len(path.anchor) :]) if Path(name).is_absolute() else (base, name)
    )
    try:
        return sorted(file for file in start.glob(pattern) if file.is_file())
    except (ValueError, NotImplementedError):
        # not a pattern, as "a**" is none
        return []


def _url_of(roots: TileRoots, path: Path) -> str:
    try:
        return roots.url_of(path)
    except SourceForbidden as error:
        raise SourceForbidden(
            error.source,
            f"it lies outside the tile root ({_list(roots)}); name its folder in ZIGGURAT_TILE_ROOT",
        ) from error


def _list(roots: TileRoots) -> str:
    return os.pathsep.join(str(folder) for folder in roots.folders)
