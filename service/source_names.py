"""Names on the command line as sources: files, folders and patterns, sought here and in the tile roots."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from raster.errors import SourceNotFound
from raster.sources.opening import is_known
from raster.sources.roots import TileRoots


def expand_sources(roots: TileRoots, names: Iterable[str]) -> list[str]:
    """Sources to register, in the order of the names; folders and patterns give theirs sorted.

    A name is taken from the current folder if something is there, else from the tile roots.
    A folder gives every file of a known kind below it; a pattern whatever it matches.

    Raises
    ------
    SourceNotFound
        A name gives nothing.
    SourceForbidden
        A file lies outside the tile roots.
    """
    found: dict[str, None] = {}
    for name in names:
        paths = next((paths for base in (Path(), *roots.folders) if (paths := _expand(base, name))), [])
        if not paths:
            raise SourceNotFound(name, "no file, folder or pattern of that name here or in the tile roots")
        for path in paths:
            found[roots.url_of(path)] = None
    return list(found)


def _expand(base: Path, name: str) -> list[Path]:
    path = base / name
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and is_known(file.name))
    if Path(name).is_absolute():
        anchor = Path(Path(name).anchor)
        return sorted(file for file in anchor.glob(str(Path(name).relative_to(anchor))) if file.is_file())
    return sorted(file for file in base.glob(name) if file.is_file())
