"""The use-case before a first build: are the tiles that were declared what was declared? No web."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from catalog.models import Tile
from catalog.repository import terrains
from catalog.repository.declared import LookedUp, count_declared, list_declared, note_looks
from raster.errors import PlacementRefused, SourceChanged, SourceError, SourceMisdeclared
from raster.placement import Anchor, Placing, place_tiles
from raster.sources.declared import find_contradictions
from raster.sources.opening import CHANGED, inspect_source
from raster.sources.source import SourceInfo
from service.house import House
from service.inspection import INSPECTING_THREADS
from service.registration import fix_anchor
from service.summaries import summarise
from service.tally import SOURCES
from service.terrain_grids import anchor_of, encoding_of, identity_of

TILES_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Look:
    """A declared tile, and what a look into its file gave."""

    tile: Tile
    found: SourceInfo | SourceError


def check_declared(
    house: House,
    terrain_key: int | str,
    on_checked: Callable[[int, int], None],
    without: Collection[str] = frozenset(),
) -> int:
    """Look into the files of all tiles that were declared and that nobody has looked into yet.

    Parameters
    ----------
    on_checked : callable
        Called with (tiles looked into, tiles in all); what it raises stops the check, which goes on
        from there the next time.
    without : collection of str
        Urls of tiles not to look into.

    Returns
    -------
    How many were left out by that

    Raises
    ------
    TerrainNotFound
    SourceMisdeclared
        Names the first one, and how many others are not what was declared, or cannot be read.
    SourceError
        Of another kind: why the first one cannot be read.
    """
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        total = count_declared(session, terrain.id)
    first: SourceError | None = None
    done = wrong = left_out = 0
    for page in _pages(house, terrain.id):
        tiles = [tile for tile in page if tile.url not in without]
        left_out += len(page) - len(tiles)
        for error in _check_page(house, terrain.id, tiles):
            first, wrong = first or error, wrong + 1
        done += len(page)
        on_checked(done, max(done, total))
    if first is not None:
        raise _with_others(first, wrong - 1)
    return left_out


def _pages(house: House, terrain_id: int) -> Iterator[Sequence[Tile]]:
    after = 0
    while True:
        with house.database.read() as session:
            tiles = list_declared(session, terrain_id, after=after, limit=TILES_AT_ONCE)
        if not tiles:
            return
        yield tiles
        after = tiles[-1].id


def _check_page(house: House, terrain_id: int, tiles: Sequence[Tile]) -> list[SourceError]:
    with ThreadPoolExecutor(INSPECTING_THREADS) as pool:
        looks = list(pool.map(lambda tile: _look_into(house, tile), tiles))
    with house.database.write() as session:
        terrain = terrains.lock_terrain(session, terrain_id)
        before = anchor = anchor_of(terrain)
        errors: list[SourceError] = []
        true: list[tuple[Tile, LookedUp]] = []
        for look in looks:
            if isinstance(look.found, SourceError):
                errors.append(look.found)
                continue
            try:
                anchor = check_look(anchor, look.tile, look.found)
            except SourceMisdeclared as error:
                errors.append(error)
            else:
                true.append((look.tile, _looked_up(look.found)))
        note_looks(session, true)
        if anchor != before:
            fix_anchor(session, terrain, anchor)
            summarise(session, house, terrain)
    return errors


def _look_into(house: House, tile: Tile) -> Look:
    house.tally.add(SOURCES, "build")
    try:
        found = inspect_source(house.roots, tile.url)
        if found.identity != identity_of(tile):
            raise SourceChanged(tile.url, CHANGED)
    except SourceError as error:
        return Look(tile, error)
    return Look(tile, found)


def check_look(anchor: Anchor, tile: Tile, found: SourceInfo) -> Anchor:
    """Check that a file is what was declared; the anchor from now on.

    As in a registration, the first file that is georeferenced ties the terrain to the ground, if
    nothing has yet.

    Raises
    ------
    SourceMisdeclared
    """
    reasons = list(find_contradictions((tile.height, tile.width), encoding_of(tile), found))
    placing = Placing(
        source=tile.url,
        height=found.height,
        width=found.width,
        x=tile.x,
        y=tile.y,
        transform=found.transform,
        crs=found.crs,
    )
    anchor, (place,) = place_tiles(anchor, [placing], has_tiles=False)
    if isinstance(place, PlacementRefused):
        reasons.append(place.reason)
    if reasons:
        raise SourceMisdeclared(tile.url, f"{'; '.join(reasons)}; register it again")
    return anchor


def _looked_up(found: SourceInfo) -> LookedUp:
    return LookedUp(
        south_up=found.south_up,
        transform=None if found.transform is None else list(found.transform[:6]),
        crs=found.crs,
        block_height=found.block_height,
        block_width=found.block_width,
    )


def _with_others(error: SourceError, others: int) -> SourceError:
    if not others:
        return error
    tiles = "1 other tile is" if others == 1 else f"{others} other tiles are"
    return type(error)(error.source, f"{error.reason}; {tiles} not what was declared, either")
