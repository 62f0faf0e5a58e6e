"""The use-case that creates a terrain. No web."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Terrain
from catalog.repository import terrains
from catalog.repository.terrains import NewTerrain
from raster.cells import Nodata
from raster.grid import Extent
from raster.placement import check_size, declared_anchor, declared_window
from service.house import House
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


def create_terrain(house: House, order: TerrainOrder) -> Terrain:
    """Catalogue a terrain without tiles.

    Raises
    ------
    TerrainExists, GridInvalid, TerrainTooLarge
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
    with house.database.write() as session:
        terrain = terrains.create_terrain(session, new)
        place_on_globe(session, terrain)
    return terrain
