"""Tiles to register: looked at, or taken at their owner's word, and placed in the terrain's grid. No web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from catalog.models import Terrain
from catalog.repository.tiles import NewTile
from raster.cells import Nodata, representable
from raster.errors import CacheFailed, PlacementRefused, SourceError, SourceRefused
from raster.grid import Window
from raster.placement import Anchor, Placing, check_inside, place_tiles
from raster.sources.declared import declare_source
from raster.sources.opening import identify_source, inspect_source, url_of
from raster.sources.source import SourceInfo
from service.house import House
from service.tally import SOURCES
from service.terrain_grids import declared_window_of
from service.tile_orders import TileOrder

FARTHEST_CELL = 2**53
"""Rows and columns up to here are exact in JSON, in float64 and in the catalogue's columns."""

INSPECTING_THREADS = 8
"""Looking at a source waits for the disk more than for a core."""


@dataclass(frozen=True, slots=True)
class InspectedTile:
    """A tile to register, and what its source says, or its owner."""

    order: TileOrder
    url: str
    info: SourceInfo


def inspect_tiles(
    house: House, terrain: Terrain, orders: Iterable[TileOrder]
) -> Iterator[InspectedTile | SourceError]:
    """Look at every source that is not declared, several at once; in the order given.

    Raises
    ------
    CacheFailed, DecoderFailed
        It is not the sources that fail.
    """
    with ThreadPoolExecutor(INSPECTING_THREADS) as pool:
        yield from pool.map(lambda order: _try_inspect(house, terrain, order), orders)


def _try_inspect(house: House, terrain: Terrain, order: TileOrder) -> InspectedTile | SourceError:
    try:
        url = url_of(house.roots, order.url)
        if order.declared is None:
            info = _look_at(house, url)
        else:
            info = declare_source(url, identify_source(house.roots, url), order.declared)
        encoding = replace(info.encoding, nodata=_nodata(terrain, order, info))
    except CacheFailed:
        raise  # the disk fails, not the tile
    except SourceError as error:
        return error
    return InspectedTile(order, url, replace(info, encoding=encoding))


def _look_at(house: House, url: str) -> SourceInfo:
    house.tally.add(SOURCES, "registration")
    return inspect_source(house.roots, url)


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


def place_inspected(
    terrain: Terrain, anchor: Anchor, inspected: Sequence[InspectedTile], *, has_tiles: bool
) -> tuple[Anchor, list[Window | PlacementRefused]]:
    """The anchor from now on, and the place of each tile or why it has none.

    Parameters
    ----------
    has_tiles : bool
        Whether the terrain has tiles already, or others were placed before.
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
    anchor, places = place_tiles(anchor, placings, has_tiles=has_tiles)
    declared = declared_window_of(terrain)
    return anchor, [
        _checked(declared, tile.url, place) for tile, place in zip(inspected, places, strict=True)
    ]


def _checked(
    declared: Window | None, url: str, place: Window | PlacementRefused
) -> Window | PlacementRefused:
    if isinstance(place, PlacementRefused):
        return place
    try:
        _check_near(url, place)
        check_inside(declared, url, place)
    except PlacementRefused as refusal:
        return refusal
    return place


def _check_near(url: str, place: Window) -> None:
    if max(abs(place.row), abs(place.col)) > FARTHEST_CELL:
        raise PlacementRefused(
            url, f"it would lie at x={place.col}, y={place.row}; at most {FARTHEST_CELL} is taken either way"
        )


def new_tile(tile: InspectedTile, window: Window) -> NewTile:
    """A placed tile as it is catalogued."""
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
        is_declared=tile.order.declared is not None,
    )
