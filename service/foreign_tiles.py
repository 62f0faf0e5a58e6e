"""The use-case before a build: do the servers still give the tiles that come from elsewhere? No web."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from raster.errors import SourceError, SourcesUnavailable
from raster.sources.opening import confirm_registered
from raster.sources.roots import is_url
from raster.tiles import PlacedTile
from service.house import House

CHECKING_THREADS = 16
"""To ask a server takes no core."""

TILES_AT_ONCE = 256


def check_foreign(house: House, tiles: Sequence[PlacedTile], on_checked: Callable[[], None]) -> None:
    """Ask the servers of all tiles by URL, so that all that fail are told of, not the first one.

    Parameters
    ----------
    on_checked : callable
        Called now and then; what it raises ends the check.

    Raises
    ------
    SourceError
        Of the one tile that cannot be used.
    SourcesUnavailable
        Of several.
    """
    errors: list[SourceError] = []
    foreign = (tile for tile in tiles if is_url(tile.url))
    with ThreadPoolExecutor(CHECKING_THREADS) as pool:
        while some := list(islice(foreign, TILES_AT_ONCE)):
            errors += _failures(house, pool, some)
            on_checked()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SourcesUnavailable(errors)


def _failures(house: House, pool: ThreadPoolExecutor, tiles: list[PlacedTile]) -> Iterator[SourceError]:
    def check(tile: PlacedTile) -> SourceError | None:
        try:
            confirm_registered(house.roots, tile.url, tile.identity)
        except SourceError as error:
            return error
        return None

    return (error for error in pool.map(check, tiles) if error is not None)
