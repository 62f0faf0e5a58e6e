"""The terrain as one array: cells of any window, painted from the tiles that touch it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raster.cells import Cells, CellType, base_cell_type
from raster.decoding import DecodedTiles
from raster.grid import Grid, Window
from raster.sources.roots import TileRoots
from raster.tile_index import TileIndex, has_gaps, index_tiles
from raster.tiles import PlacedTile, TileTable

INDEX_CELLS = 2048
"""Side of the squares that tiles are indexed by, unless a build asks for another."""


@dataclass(frozen=True)
class Mosaic:
    """Tiles on a grid, lowest precedence first: where two have data the later one wins."""

    grid: Grid
    tiles: TileTable
    roots: TileRoots

    @cached_property
    def _index(self) -> TileIndex:
        return index_tiles(self.grid, self.tiles.windows, INDEX_CELLS)

    def index(self, cells: int) -> TileIndex:
        """Tiles by squares of `cells` a side."""
        return self._index if cells == INDEX_CELLS else index_tiles(self.grid, self.tiles.windows, cells)

    @cached_property
    def cell_type(self) -> CellType:
        """Holds every valid cell of every tile, apart from nodata."""
        return base_cell_type(self.tiles.encodings, has_gaps=has_gaps(self._index, self.tiles.windows))


@dataclass(frozen=True, slots=True)
class MosaicCells:
    """Reads a mosaic's cells."""

    cell_type: CellType
    decoded: DecodedTiles

    def read_window(self, window: Window, tiles: Sequence[PlacedTile]) -> Cells:
        """Native cells of a window.

        Parameters
        ----------
        window : Window
            Inside the grid.
        tiles : sequence of PlacedTile
            In ascending precedence, at least those with cells in the window.

        Returns
        -------
        (height, width) of `cell_type`; cells under no tile are its nodata. A tile's own nodata
        lets lower tiles show through.

        Raises
        ------
        SourceError
            A tile is gone, changed or unreadable.
        """
        cells: Cells | None = None
        for tile in tiles:
            common = tile.window.intersection(window)
            if common is None:
                continue
            painted = tile.encoding.decode(self.decoded.read_window(tile, common), self.cell_type)
            if cells is None:
                if common == window:
                    cells = painted
                    continue
                cells = self.cell_type.empty(window.shape)
            self._paint(cells[common.relative_to(window).slices], painted)
        return self.cell_type.empty(window.shape) if cells is None else cells

    def _paint(self, canvas: Cells, painted: Cells) -> None:
        if self.cell_type.nodata is None:
            canvas[...] = painted
        else:
            np.copyto(canvas, painted, where=self.cell_type.valid(painted))


def lay_mosaic(grid: Grid, tiles: Iterable[PlacedTile], roots: TileRoots) -> Mosaic:
    """The mosaic of at least one tile, lowest precedence first."""
    return Mosaic(grid, TileTable(tiles), roots)
