"""The terrain as one array: cells of any window, painted from the tiles that touch it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raster.cells import CellEncoding, Cells, CellType, base_cell_type
from raster.grid import Grid, Window, covers
from raster.sources.opening import open_registered
from raster.sources.ranges import SourceIdentity
from raster.sources.roots import TileRoots


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTile:
    """A tile in its terrain: the source, its level-0 window, how it writes cells, which bytes it was."""

    url: str
    window: Window
    encoding: CellEncoding
    identity: SourceIdentity


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Tiles on a grid, lowest precedence first: where two have data the later one wins."""

    grid: Grid
    tiles: Sequence[PlacedTile]
    cell_type: CellType
    roots: TileRoots

    def read_window(self, window: Window, touching: Sequence[int]) -> Cells:
        """Native cells of a window.

        Parameters
        ----------
        window : Window
            Inside the grid.
        touching : indices into `tiles`, ascending
            At least those of the tiles that have cells in the window.

        Returns
        -------
        (height, width) of `cell_type`; cells under no tile are its nodata. A tile's own nodata
        lets lower tiles show through.

        Raises
        ------
        SourceError
            A tile is gone, changed or unreadable.
        """
        cells = self.cell_type.empty(window.shape)
        for index in touching:
            tile = self.tiles[index]
            common = tile.window.intersection(window)
            if common is not None:
                self._paint(cells[common.relative_to(window).slices], tile, common.relative_to(tile.window))
        return cells

    def _paint(self, canvas: Cells, tile: PlacedTile, window: Window) -> None:
        painted = tile.encoding.decode(self._read(tile, window), self.cell_type)
        if self.cell_type.nodata is None:
            canvas[...] = painted
        else:
            np.copyto(canvas, painted, where=self.cell_type.valid(painted))

    def _read(self, tile: PlacedTile, window: Window) -> Cells:
        with open_registered(self.roots, tile.url, tile.identity, tile.window.shape) as source:
            return source.read_window(window)


def lay_mosaic(grid: Grid, tiles: Sequence[PlacedTile], roots: TileRoots) -> Mosaic:
    """The mosaic of at least one tile, with a cell type that holds every valid cell apart from nodata."""
    has_gaps = not covers(grid.window, [tile.window for tile in tiles])
    cell_type = base_cell_type((tile.encoding for tile in tiles), has_gaps=has_gaps)
    return Mosaic(grid, tiles, cell_type, roots)
