"""Catalogue rows as the value types of `raster`: grids, windows, cell types."""

from __future__ import annotations

import numpy as np
from affine import Affine

from catalog.models import Generation, MissingTile, Terrain, Tile
from catalog.repository.terrains import ListedTerrain
from catalog.repository.tiles import TileRow
from raster.cells import CellEncoding, CellType
from raster.errors import TerrainEmpty
from raster.grid import Grid, Window
from raster.placement import Anchor
from raster.sources.ranges import SourceIdentity


def anchor_of(terrain: Terrain | ListedTerrain) -> Anchor:
    """How the terrain's cells lie on the ground."""
    transform = None if terrain.anchor_transform is None else Affine(*terrain.anchor_transform)
    return Anchor(transform=transform, crs=terrain.crs)


def declared_window_of(terrain: Terrain | ListedTerrain) -> Window | None:
    """The declared extent in the terrain's cells."""
    return _window(terrain.declared_x, terrain.declared_y, terrain.declared_width, terrain.declared_height)


def window_of(terrain: Terrain | ListedTerrain) -> Window | None:
    """All cells of the terrain in its own x, y: its declared extent, else the box around its tiles."""
    declared = declared_window_of(terrain)
    if declared is not None or terrain.min_x is None or terrain.min_y is None:
        return declared
    if terrain.max_x is None or terrain.max_y is None:
        return None
    return _window(terrain.min_x, terrain.min_y, terrain.max_x - terrain.min_x, terrain.max_y - terrain.min_y)


def _window(x: int | None, y: int | None, width: int | None, height: int | None) -> Window | None:
    if x is None or y is None or width is None or height is None:
        return None
    return Window(row=y, col=x, height=height, width=width)


def find_grid(terrain: Terrain | ListedTerrain) -> Grid | None:
    """Level 0 of the terrain, None while it has neither tiles nor a declared extent."""
    window = window_of(terrain)
    return None if window is None else ground_of(anchor_of(terrain), window)


def get_grid(terrain: Terrain) -> Grid:
    """Level 0 of a terrain with tiles.

    Raises
    ------
    TerrainEmpty
    """
    grid = find_grid(terrain)
    if grid is None or terrain.tile_count == 0:
        raise TerrainEmpty(terrain.name)
    return grid


def ground_of(anchor: Anchor, window: Window) -> Grid:
    """The grid whose cell (0, 0) is the upper-left cell of `window`, rows y and columns x."""
    ground = anchor.ground
    left, top = ground @ (window.col, window.row)
    return Grid(
        height=window.height,
        width=window.width,
        transform=Affine(ground.a, ground.b, left, ground.d, ground.e, top),
        crs=anchor.crs,
    )


def missing_window(tile: MissingTile) -> Window:
    """Where a tile would lie in level 0 of the generation that was built without it."""
    return Window(row=tile.row, col=tile.col, height=tile.height, width=tile.width)


def tile_window(tile: Tile | TileRow) -> Window:
    """The tile's cells in the terrain's own x, y."""
    return Window(row=tile.y, col=tile.x, height=tile.height, width=tile.width)


def encoding_of(tile: Tile | TileRow) -> CellEncoding:
    """How the tile's source writes cells, the registration's nodata included."""
    return CellEncoding(tile.dtype, tile.nodata, tile.scale, tile.offset)


def identity_of(tile: Tile | TileRow) -> SourceIdentity:
    """Which content of its source was registered."""
    return SourceIdentity(size=tile.size, mtime_ns=tile.mtime_ns, etag=tile.etag)


def grid_of(generation: Generation) -> Grid:
    """Level 0 of a built pyramid."""
    return Grid(
        height=generation.height,
        width=generation.width,
        transform=Affine(*generation.transform),
        crs=generation.crs,
    )


def cell_type_of(generation: Generation) -> CellType:
    """Dtype and nodata of a built pyramid."""
    return CellType(np.dtype(generation.dtype), generation.nodata)
