"""Use-cases that change a terrain: create it, register tiles all or nothing, take tiles away. No web."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.database import ReadSession, WriteSession
from catalog.deadline import elsewhere
from catalog.errors import RequestKeyTaken
from catalog.models import Terrain, Tile
from catalog.repository import terrains, tiles
from catalog.repository.honoured import RequestMark, find_outcome, note_outcome, reserve_key
from catalog.repository.terrains import Anchoring
from raster.errors import PlacementRefused, RasterError, SourceRefused
from raster.grid import Window
from raster.placement import Anchor
from service.errors import RegistrationRefused
from service.house import House
from service.inspection import InspectedTile, inspect_tiles, new_tile, place_inspected
from service.repetition import RequestKey, tiles_of
from service.summaries import summarise
from service.terrain_grids import anchor_of, window_of
from service.tile_orders import TileOrder

NAMED_TWICE = "named twice in this registration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a registration did: the tiles in the order asked for."""

    tiles: list[Tile]
    revision: int
    origin_moved: bool


def register_tiles(
    house: House,
    terrain_key: int | str,
    orders: Sequence[TileOrder],
    on_inspected: Callable[[int, int], None] = lambda done, total: None,
    request_key: RequestKey | None = None,
) -> Registration:
    """Register tiles, all or none; a source that is registered already is replaced in its place.

    Parameters
    ----------
    on_inspected : callable
        Called with (sources looked at, sources in all).
    request_key : RequestKey or None
        Of a request that may be a repetition: then what the first one did is told, and nothing is done.

    Raises
    ------
    TerrainNotFound
    RegistrationRefused
        With the reason of every tile that is refused.
    TerrainTooLarge
    RequestKeyTaken
    """
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        mark = None if request_key is None else request_key.mark(tiles_of(terrain.id))
        if mark is not None and (done := find_outcome(session, mark)) is not None:
            return _done_before(session, mark, done)
    with elsewhere():
        inspected = _inspect_all(house, terrain, orders, on_inspected)
    with house.database.write() as session:
        terrain = terrains.lock_terrain(session, terrain.id)
        if mark is not None and (done := reserve_key(session, mark)) is not None:
            return _done_before(session, mark, done)
        registered = _register(session, house, terrain, inspected)
        if mark is not None:
            note_outcome(session, mark, _outcome(registered))
        return registered


def _outcome(registered: Registration) -> dict[str, Any]:
    ids = [tile.id for tile in registered.tiles]
    return {"tiles": ids, "revision": registered.revision, "origin_moved": registered.origin_moved}


def _done_before(session: ReadSession, mark: RequestMark, done: dict[str, Any]) -> Registration:
    """What a request did the first time; of its tiles those that are still there.

    Raises
    ------
    RequestKeyTaken
        It was a table of tiles.
    """
    if "tiles" not in done:
        raise RequestKeyTaken(mark.key)
    return Registration(
        tiles=tiles.list_by_id(session, done["tiles"]),
        revision=done["revision"],
        origin_moved=done["origin_moved"],
    )


def _inspect_all(
    house: House, terrain: Terrain, orders: Sequence[TileOrder], on_inspected: Callable[[int, int], None]
) -> list[InspectedTile]:
    """Look at every source.

    Raises
    ------
    RegistrationRefused
    """
    refused: list[RasterError] = []
    inspected: dict[str, InspectedTile] = {}
    for done, outcome in enumerate(inspect_tiles(house, terrain, orders), start=1):
        on_inspected(done, len(orders))
        if isinstance(outcome, RasterError):
            refused.append(outcome)
        elif outcome.url in inspected:
            refused.append(SourceRefused(outcome.order.url, NAMED_TWICE))
        else:
            inspected[outcome.url] = outcome
    if refused:
        raise RegistrationRefused(refused)
    return list(inspected.values())


def _register(
    session: WriteSession, house: House, terrain: Terrain, inspected: list[InspectedTile]
) -> Registration:
    anchor, windows = _place_all(terrain, inspected)
    before = window_of(terrain)
    rows = [new_tile(tile, window) for tile, window in zip(inspected, windows, strict=True)]
    outcome = tiles.register_tiles(session, terrain, rows)
    if outcome.has_changed:
        fix_anchor(session, terrain, anchor)
        summarise(session, house, terrain)
    moved = origin_moved(before, window_of(terrain))
    return Registration(tiles=outcome.tiles, revision=terrain.revision, origin_moved=moved)


def origin_moved(before: Window | None, after: Window | None) -> bool:
    """Whether a terrain's upper-left cell moved."""
    return before is not None and after is not None and (before.row, before.col) != (after.row, after.col)


def _place_all(terrain: Terrain, inspected: list[InspectedTile]) -> tuple[Anchor, list[Window]]:
    """The places of all tiles.

    Raises
    ------
    RegistrationRefused
    """
    has_tiles = terrain.tile_count > 0
    anchor, places = place_inspected(terrain, anchor_of(terrain), inspected, has_tiles=has_tiles)
    refused: list[RasterError] = [place for place in places if isinstance(place, PlacementRefused)]
    if refused:
        raise RegistrationRefused(refused)
    return anchor, [place for place in places if isinstance(place, Window)]


def fix_anchor(session: WriteSession, terrain: Terrain, anchor: Anchor) -> None:
    """Remember how a terrain lies on the ground."""
    transform = None if anchor.transform is None else list(anchor.transform[:6])
    terrains.fix_anchor(session, terrain, Anchoring(transform=transform, crs=anchor.crs))


def change_priority(house: House, tile_id: int, priority: int) -> Tile:
    """Give a tile another precedence.

    Raises
    ------
    TileNotFound
    """
    with house.database.write() as session:
        tile = tiles.lock_tile(session, tile_id)
        if tile.priority != priority:
            tiles.set_priority(session, tile, priority)
            summarise(session, house, terrains.get_terrain(session, tile.terrain_id))
    return tile


def remove_tile(house: House, tile_id: int) -> None:
    """Take a tile out of its terrain; its source stays where it is.

    Raises
    ------
    TileNotFound
    """
    with house.database.write() as session:
        tile = tiles.lock_tile(session, tile_id)
        terrain = terrains.get_terrain(session, tile.terrain_id)
        tiles.delete_tile(session, tile)
        summarise(session, house, terrain)
