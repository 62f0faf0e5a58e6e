"""What a terrain keeps of its tiles, so that lists never look at tiles: size, extent, revision."""

from __future__ import annotations

from catalog.database import WriteSession
from catalog.models import Terrain
from catalog.repository import terrains
from raster.crs import lonlat_extent
from raster.placement import check_size
from service.house import House
from service.terrain_grids import find_grid, window_of


def summarise(session: WriteSession, house: House, terrain: Terrain) -> None:
    """Bring the terrain's size, extent and revision up to its tiles.

    Raises
    ------
    TerrainTooLarge
    """
    terrains.refresh_summary(session, terrain)
    window = window_of(terrain)
    if window is not None:
        check_size(window, house.settings.max_cells)
    place_on_globe(session, terrain)


def place_on_globe(session: WriteSession, terrain: Terrain) -> None:
    """Bring the terrain's lon/lat extent up to its grid."""
    grid = find_grid(terrain)
    ground = None if grid is None or grid.crs is None else lonlat_extent(grid.extent, grid.crs)
    terrains.set_lonlat_extent(session, terrain, ground)
