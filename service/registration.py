"""Use-cases that change a terrain: create it, register tiles all or nothing, take tiles away. No web."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from catalog.database import WriteSession
from catalog.models import Terrain, Tile
from catalog.repository import terrains, tiles
from catalog.repository.terrains import Anchoring
from catalog.repository.tiles import NewTile
from raster.cells import Nodata, representable
from raster.errors import PlacementRefused, RasterError, SourceError, SourceRefused
from raster.grid import Window
from raster.placement import (
    Anchor,
    Placing,
    check_inside,
    place_tiles,
)
from raster.sources.opening import inspect_source
from raster.sources.source import SourceInfo
from service.errors import RegistrationRefused
from service.house import House
from service.summaries import summarise
from service.tally import SOURCES
from service.terrain_grids import anchor_of, declared_window_of, window_of

FARTHEST_CELL = 2**53
"""Rows and columns up to here are exact in JSON, in float64 and in the catalogue's columns."""

INSPECTING_THREADS = 8
"""Looking at a source waits for the disk more than for a core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileOrder:
    """A tile to register, as asked for; x and y in tile indices where the terrain has a tile size."""

    url: str
    x: int | None = None
    y: int | None = None
    priority: int = 0
    nodata: Nodata = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a registration did: the tiles in the order asked for."""

    tiles: list[Tile]
    revision: int
    origin_moved: bool


@dataclass(frozen=True, slots=True)
class InspectedTile:
    """A tile to register, and what its source says."""

    order: TileOrder
    url: str
    info: SourceInfo


def register_tiles(
    house: House,
    terrain_key: int | str,
    orders: Sequence[TileOrder],
    on_inspected: Callable[[int, int], None] = lambda done, total: None,
) -> Registration:
    """Register tiles, all or none; a source that is registered already is replaced in its place.

    Parameters
    ----------
    on_inspected : callable
        Called with (sources looked at, sources in all).

    Raises
    ------
    TerrainNotFound
    RegistrationRefused
        With the reason of every tile that is refused.
    TerrainTooLarge
    """
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
    inspected = _inspect_all(house, terrain, orders, on_inspected)
    with house.database.write() as session:
        terrain = terrains.lock_terrain(session, terrain.id)
        return _register(session, house, terrain, inspected)


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
    with ThreadPoolExecutor(INSPECTING_THREADS) as pool:
        outcomes = pool.map(lambda order: _try_inspect(house, terrain, order), orders)
        for done, outcome in enumerate(outcomes, start=1):
            on_inspected(done, len(orders))
            if isinstance(outcome, RasterError):
                refused.append(outcome)
            elif outcome.url in inspected:
                refused.append(SourceRefused(outcome.order.url, "named twice in this registration"))
            else:
                inspected[outcome.url] = outcome
    if refused:
        raise RegistrationRefused(refused)
    return list(inspected.values())


def _try_inspect(house: House, terrain: Terrain, order: TileOrder) -> InspectedTile | SourceError:
    try:
        url = house.roots.url_of(house.roots.resolve(order.url))
        house.tally.add(SOURCES, "registration")
        info = inspect_source(house.roots, url)
        encoding = replace(info.encoding, nodata=_nodata(terrain, order, info))
    except SourceError as error:
        return error
    return InspectedTile(order, url, replace(info, encoding=encoding))


def _nodata(terrain: Terrain, order: TileOrder, info: SourceInfo) -> Nodata:
    """The registration's sentinel, else the file's, else the terrain's.

    Raises
    ------
    SourceRefused
        The registration's cannot be a value of the tile.
    """
    dtype = info.encoding.numpy_dtype
    if order.nodata is not None:
        asked = representable(order.nodata, dtype)
        if asked is None:
            raise SourceRefused(order.url, f"nodata {order.nodata} is not a value of {dtype.name}")
        return asked
    if info.encoding.nodata is not None or terrain.nodata is None:
        return info.encoding.nodata
    return representable(terrain.nodata, dtype)


def _register(
    session: WriteSession, house: House, terrain: Terrain, inspected: list[InspectedTile]
) -> Registration:
    anchor, windows = _place_all(terrain, inspected)
    before = window_of(terrain)
    rows = [_row(tile, window) for tile, window in zip(inspected, windows, strict=True)]
    outcome = tiles.register_tiles(session, terrain, rows)
    if outcome.has_changed:
        _fix_anchor(session, terrain, anchor)
        summarise(session, house, terrain)
    after = window_of(terrain)
    moved = before is not None and after is not None and (before.row, before.col) != (after.row, after.col)
    return Registration(tiles=outcome.tiles, revision=terrain.revision, origin_moved=moved)


def _place_all(terrain: Terrain, inspected: list[InspectedTile]) -> tuple[Anchor, list[Window]]:
    """The places of all tiles.

    Raises
    ------
    RegistrationRefused
    """
    step = terrain.tile_size or 1
    placings = [
        Placing(
            source=tile.url,
            height=tile.info.height,
            width=tile.info.width,
            x=None if tile.order.x is None else tile.order.x * step,
            y=None if tile.order.y is None else tile.order.y * step,
            transform=tile.info.transform,
            crs=tile.info.crs,
        )
        for tile in inspected
    ]
    anchor, places = place_tiles(anchor_of(terrain), placings, has_tiles=terrain.tile_count > 0)
    declared = declared_window_of(terrain)
    windows: list[Window] = []
    refused: list[RasterError] = []
    for tile, place in zip(inspected, places, strict=True):
        try:
            if isinstance(place, PlacementRefused):
                raise place
            _check_near(tile.url, place)
            check_inside(declared, tile.url, place)
            windows.append(place)
        except PlacementRefused as refusal:
            refused.append(refusal)
    if refused:
        raise RegistrationRefused(refused)
    return anchor, windows


def _check_near(url: str, place: Window) -> None:
    if max(abs(place.row), abs(place.col)) > FARTHEST_CELL:
        raise PlacementRefused(
            url, f"it would lie at x={place.col}, y={place.row}; at most {FARTHEST_CELL} is taken either way"
        )


def _row(tile: InspectedTile, window: Window) -> NewTile:
    info, encoding = tile.info, tile.info.encoding
    return NewTile(
        url=tile.url,
        x=window.col,
        y=window.row,
        width=info.width,
        height=info.height,
        dtype=encoding.dtype,
        nodata=encoding.nodata,
        scale=encoding.scale,
        offset=encoding.offset,
        south_up=info.south_up,
        priority=tile.order.priority,
        size=info.identity.size,
        mtime_ns=info.identity.mtime_ns,
        etag=info.identity.etag,
        transform=None if info.transform is None else list(info.transform[:6]),
        crs=info.crs,
        block_height=info.block_height,
        block_width=info.block_width,
    )


def _fix_anchor(session: WriteSession, terrain: Terrain, anchor: Anchor) -> None:
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
