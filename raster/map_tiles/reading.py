"""Map tiles read from a stored pyramid: the values of a tile of a matrix set, and where they are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from raster.cached_chunks import CachedChunks
from raster.cells import Cells, CellType
from raster.grid import Grid, Window
from raster.map_tiles.gathering import Gathered, coarsened, gather
from raster.map_tiles.ground import CellFinder, make_finder
from raster.map_tiles.matrices import (
    NATIVE,
    SIDE,
    TileAddress,
    TileGrid,
    check_connected,
    get_matrix_set,
    native_tile,
)
from raster.map_tiles.placing import cells_per_cell, part_on_terrain, place_cells

Smooth = Literal["never", "natively", "always"]
"""At no level; at the native one, where cells are samples of a surface; at every one: of a mean."""

ROUNDING = 1e-6
"""Of the size of cells: a map that was made for the terrain's own cells has just those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTile:
    """The values of a map tile.

    Attributes
    ----------
    values : (height, width)
        Of the pyramid's dtype, float32 or float64 when smooth; what is not valid is fill.
    valid : (height, width) bool
        Where there is a measurement.
    grid : Grid
        Where the tile's cells lie, with the halo; its CRS is the matrix set's.
    level : int
        Of the pyramid, that the values come from.
    """

    values: Cells
    valid: NDArray[np.bool_]
    grid: Grid
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileAsked:
    """Which map tile: `side` cells of it, and `halo` more on each side, of a tile matrix set.

    `smooth`: at which levels a value lies between those of the cells around, instead of being the nearest
    one's; the native matrix is never smooth.
    """

    matrix_set: str
    address: TileAddress
    side: int = SIDE
    halo: int = 0
    smooth: Smooth = "never"

    def is_smooth(self, level: int) -> bool:
        """Whether values of a level are interpolated."""
        return self.smooth == "always" or (self.smooth == "natively" and level == 0)

    def check(self, pyramid: Grid) -> None:
        """Refuse an address that names nothing; reads no cells.

        Raises
        ------
        MatrixSetNotFound, MapTileNotFound, TerrainNotOnMap
        """
        if self.matrix_set == NATIVE:
            native_tile(pyramid, self.address, self.side)
            return
        matrix_set = get_matrix_set(self.matrix_set)
        matrix_set.matrix(self.address)
        check_connected(pyramid, matrix_set)


@dataclass(frozen=True)
class MappedPyramid:
    """A stored pyramid that is shown on maps; may be used by many threads."""

    chunks: CachedChunks
    cell_type: CellType
    _finders: dict[str, CellFinder] = field(default_factory=dict)

    def finder(self, map_crs: str) -> CellFinder:
        """Finds its cells under maps of a CRS."""
        known = self._finders.get(map_crs)
        if known is None:
            known = self._finders[map_crs] = make_finder(map_crs, self.chunks.grid)
        return known


def read_map_tile(pyramid: MappedPyramid, asked: TileAsked) -> MapTile:
    """The values of a map tile.

    The level is the coarsest one whose cells are at most as large as the tile's at its centre (where that
    is not on the terrain, at the place on it that is nearest), level 0 if there is none; a coarser one where
    it would need more than `MOST_CHUNKS` chunks. Native tiles are windows of their level, whatever `smooth`
    says.

    Raises
    ------
    MatrixSetNotFound, MapTileNotFound, TerrainNotOnMap
    PyramidCorrupt
        A stored byte that the tile needs is missing or damaged; never read as nodata.
    StoreFailed
        The store cannot be read now, which says nothing about the pyramid.
    """
    asked.check(pyramid.chunks.grid)
    if asked.matrix_set == NATIVE:
        return _read_native(pyramid, asked)
    tile = get_matrix_set(asked.matrix_set).tile(asked.address, asked.side, asked.halo)
    finder = pyramid.finder(tile.crs)
    part = part_on_terrain(tile, finder)
    if part is None:
        return _laid(pyramid, asked, tile.grid, 0, Window(row=0, col=0, height=1, width=1), None)
    level = choose_level(tile, part, finder)
    level, places = coarsened(pyramid.chunks, level, place_cells(tile, part, finder, level))
    gathered = gather(pyramid.chunks, pyramid.cell_type, level, places, smooth=asked.is_smooth(level))
    return _laid(pyramid, asked, tile.grid, level, part, gathered)


def choose_level(tile: TileGrid, window: Window, finder: CellFinder) -> int:
    """The coarsest level whose cells are at most as large as a map tile's; 0 if there is none."""
    across = cells_per_cell(tile, window, finder)
    if across is None or across * (1 + ROUNDING) < 2:
        return 0
    return min(int(math.log2(across * (1 + ROUNDING))), finder.grid.level_count - 1)


def _read_native(pyramid: MappedPyramid, asked: TileAsked) -> MapTile:
    """A window of a level, and fill where it sticks out; cells are repeated where no level is fine enough."""
    whole = pyramid.chunks.grid
    tile = native_tile(whole, asked.address, asked.side)
    halo, side = -(-asked.halo // tile.repeat), asked.side // tile.repeat
    level = whole.level(tile.level)
    around = Window(row=tile.row - halo, col=tile.col - halo, height=side + 2 * halo, width=side + 2 * halo)
    cells: Cells = np.full(around.shape, pyramid.chunks.format(tile.level).fill, pyramid.cell_type.dtype)
    valid = np.zeros(around.shape, np.bool_)
    inside = around.intersection(level.window)
    block = None if inside is None else pyramid.chunks.read_block(tile.level, inside)
    if inside is not None and block is not None:
        here = inside.relative_to(around).slices
        cells[here] = block.cells[inside.relative_to(block.window).slices]
        valid[here] = pyramid.cell_type.valid(cells[here])
    transform = level.transform @ Affine.translation(around.col, around.row)
    if tile.repeat > 1:
        cells, valid = (each.repeat(tile.repeat, 0).repeat(tile.repeat, 1) for each in (cells, valid))
        cut = halo * tile.repeat - asked.halo
        kept = slice(cut, cut + asked.side + 2 * asked.halo)
        cells, valid = cells[kept, kept], valid[kept, kept]
        transform = transform @ Affine.scale(1 / tile.repeat) @ Affine.translation(cut, cut)
    grid = Grid(height=cells.shape[0], width=cells.shape[1], transform=transform, crs=whole.crs)
    return MapTile(values=cells, valid=valid, grid=grid, level=tile.level)


def _laid(
    pyramid: MappedPyramid, asked: TileAsked, grid: Grid, level: int, part: Window, gathered: Gathered | None
) -> MapTile:
    """What was gathered for a part of a tile's cells, and fill around it."""
    dtype = (
        np.promote_types(pyramid.cell_type.dtype, np.float32)
        if asked.is_smooth(level)
        else pyramid.cell_type.dtype
    )
    fill = np.nan if dtype.kind == "f" else pyramid.chunks.format(level).fill
    if gathered is not None and not gathered.valid.all():
        gathered.values[~gathered.valid] = fill
    if gathered is not None and part == grid.window:
        return MapTile(values=gathered.values, valid=gathered.valid, grid=grid, level=level)
    values: Cells = np.full(grid.shape, fill, dtype)
    valid = np.zeros(grid.shape, np.bool_)
    if gathered is not None:
        values[part.slices], valid[part.slices] = gathered.values, gathered.valid
    return MapTile(values=values, valid=valid, grid=grid, level=level)
