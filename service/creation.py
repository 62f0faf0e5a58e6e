"""The use-case that creates a terrain. No web."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Terrain
from catalog.repository import terrains
from catalog.repository.honoured import note_outcome, reserve_key
from catalog.repository.terrains import NewTerrain
from raster.cells import Nodata
from raster.grid import Extent
from raster.placement import check_size, declared_anchor, declared_window
from service.house import House
from service.repetition import TERRAINS, RequestKey
from service.summaries import place_on_globe


@dataclass(frozen=True, slots=True, kw_only=True)
class TerrainOrder:
    """A terrain as its creator describes it."""

    name: str
    title: str | None = None
    description: str | None = None
    attribution: str | None = None
    license: str | None = None
    unit: str | None = None
    vertical_datum: str | None = None
    crs: str | None = None
    anchor_transform: list[float] | None = None
    extent: Extent | None = None
    nodata: Nodata = None
    tile_size: int | None = None


def create_terrain(house: House, order: TerrainOrder, request_key: RequestKey | None = None) -> Terrain:
    """Catalogue a terrain without tiles.

    Parameters
    ----------
    request_key : RequestKey or None
        Of a request that may be a repetition: then the terrain of the first one is given, if it is there.

    Raises
    ------
    TerrainExists, GridInvalid, TerrainTooLarge
    RequestKeyTaken
    """
    anchor = declared_anchor(order.anchor_transform, order.crs)
    window = None if order.extent is None else declared_window(anchor, order.extent)
    if window is not None:
        check_size(window, house.settings.max_cells)
    new = NewTerrain(
        name=order.name,
        title=order.title,
        description=order.description,
        attribution=order.attribution,
        license=order.license,
        unit=order.unit,
        vertical_datum=order.vertical_datum,
        crs=anchor.crs,
        anchor_transform=None if anchor.transform is None else list(anchor.transform[:6]),
        declared_x=None if window is None else window.col,
        declared_y=None if window is None else window.row,
        declared_width=None if window is None else window.width,
        declared_height=None if window is None else window.height,
        nodata=order.nodata,
        tile_size=order.tile_size,
    )
    mark = None if request_key is None else request_key.mark(TERRAINS)
    with house.database.write() as session:
        done = None if mark is None else reserve_key(session, mark)
        known = None if done is None else terrains.find_terrain(session, done["terrain"])
        if known is not None:
            return known
        terrain = terrains.create_terrain(session, new)
        place_on_globe(session, terrain)
        if mark is not None:
            note_outcome(session, mark, {"terrain": terrain.id})
    return terrain
