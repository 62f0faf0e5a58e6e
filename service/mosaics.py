"""A terrain's tiles, as the catalogue has them, as one array.

Apart from `terrain_grids`, since this brings with it whatever reads tiles.
"""

from __future__ import annotations

from collections.abc import Iterable

from catalog.models import Terrain, Tile
from catalog.repository.tiles import TileRow
from raster.errors import TerrainEmpty
from raster.grid import Window
from raster.mosaic import Mosaic, lay_mosaic
from raster.sources.roots import TileRoots
from raster.tiles import PlacedTile
from service.terrain_grids import encoding_of, get_grid, identity_of, tile_window, window_of


def mosaic_of(terrain: Terrain, tiles: Iterable[Tile | TileRow], roots: TileRoots) -> Mosaic:
    """The terrain as one array; `tiles` in ascending precedence.

    Raises
    ------
    TerrainEmpty
    """
    grid = get_grid(terrain)
    window = window_of(terrain)
    if window is None:
        raise TerrainEmpty(terrain.name)
    return lay_mosaic(grid, (_placed(tile, window) for tile in tiles), roots)


def _placed(tile: Tile | TileRow, origin: Window) -> PlacedTile:
    return PlacedTile(
        url=tile.url,
        window=tile_window(tile).relative_to(origin),
        encoding=encoding_of(tile),
        identity=identity_of(tile),
        block_height=tile.block_height,
        block_width=tile.block_width,
    )
