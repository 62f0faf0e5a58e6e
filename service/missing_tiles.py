"""The use-case before a build: can all tiles be had, and may those be missing that cannot? No web."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from raster.errors import SourceError, SourcesUnavailable
from raster.missing import MAY_BE_MISSING, MissingTile
from raster.sources.opening import confirm_registered
from raster.sources.roots import is_url
from raster.tiles import PlacedTile
from service.house import House

CHECKING_THREADS = 16
"""To ask a server takes no core."""

TILES_AT_ONCE = 256


def check_foreign(house: House, tiles: Iterable[PlacedTile], on_checked: Callable[[], None]) -> None:
    """Ask the servers of all tiles by URL, so that all that fail are told of, not the first one.

    Parameters
    ----------
    on_checked : callable
        Called after every so many tiles; what it raises ends the check.

    Raises
    ------
    SourceError
        Of the one tile that cannot be used.
    SourcesUnavailable
        Of several.
    """
    check_all(house, (tile for tile in tiles if is_url(tile.url)), on_checked)


def check_all(house: House, tiles: Iterable[PlacedTile], on_checked: Callable[[], None]) -> None:
    """As `check_foreign`, with those here."""
    _refuse(_check(house, tiles, on_checked))


def find_missing(
    house: House, tiles: Sequence[PlacedTile], on_checked: Callable[[], None]
) -> list[MissingTile]:
    """The tiles that a build has to go without, since they cannot be had.

    This is decided here, once: a tile that fails later, while its cells are read, fails the build.

    Parameters
    ----------
    on_checked : callable
        Called after every so many tiles; what it raises ends the check.

    Raises
    ------
    SourceError
        Of the one tile that is there, and is wrong, changed or not allowed; or of the only one.
    SourcesUnavailable
        Of several such tiles; or of all, when there would be nothing left to build from.
    """
    failed = _check(house, tiles, on_checked)
    has_some = len(failed) < len(tiles)
    _refuse([each for each in failed if not (has_some and isinstance(each.error, MAY_BE_MISSING))])
    return [each.as_missing() for each in failed]


@dataclass(frozen=True, slots=True)
class _Failed:
    tile: PlacedTile
    error: SourceError

    def as_missing(self) -> MissingTile:
        kind, reason = type(self.error).__name__, self.error.reason
        return MissingTile(source=self.tile.url, window=self.tile.window, kind=kind, reason=reason)


def _check(house: House, tiles: Iterable[PlacedTile], on_checked: Callable[[], None]) -> list[_Failed]:
    def check(tile: PlacedTile) -> _Failed | None:
        try:
            confirm_registered(house.roots, tile.url, tile.identity)
        except SourceError as error:
            return _Failed(tile, error)
        return None

    failed: list[_Failed] = []
    left = iter(tiles)
    with ThreadPoolExecutor(CHECKING_THREADS) as pool:
        while some := list(islice(left, TILES_AT_ONCE)):
            failed += [each for each in pool.map(check, some) if each is not None]
            on_checked()
    return failed


def _refuse(failed: Sequence[_Failed]) -> None:
    errors = [each.error for each in failed]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SourcesUnavailable(errors)
