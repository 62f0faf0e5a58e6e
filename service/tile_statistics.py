"""The use-case behind a tile's statistics: the catalogue says which source, `raster` reads and sums up."""

from __future__ import annotations

from catalog.repository import tiles
from raster.sources.opening import open_source
from raster.sources.reading import read_statistics
from raster.statistics import Statistics
from service.house import House
from service.terrain_grids import encoding_of


def compute_statistics(house: House, tile_id: int) -> Statistics:
    """Statistics of a tile's valid cells, as its source is now.

    Raises
    ------
    TileNotFound
    SourceError
    """
    with house.database.read() as session:
        tile = tiles.get_tile(session, tile_id)
    with open_source(house.roots, tile.url) as source:
        return read_statistics(source, encoding_of(tile))
