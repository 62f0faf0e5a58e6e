"""The use-case behind a tile's statistics: the catalogue says which source, `raster` reads and sums up."""

from __future__ import annotations

from catalog.repository import tiles
from raster.sources.opening import open_registered
from raster.sources.reading import read_statistics
from raster.statistics import Statistics
from service.house import House
from service.tally import SOURCES
from service.terrain_grids import encoding_of, identity_of


def compute_statistics(house: House, tile_id: int) -> Statistics:
    """Statistics of a tile's valid cells, as they were registered.

    Raises
    ------
    TileNotFound
    SourceChanged
        The source is not the one that was registered.
    SourceError
    """
    with house.database.read() as session:
        tile = tiles.get_tile(session, tile_id)
    house.tally.add(SOURCES, "statistics")
    shape = (tile.height, tile.width)
    with open_registered(house.roots, tile.url, identity_of(tile), shape) as source:
        return read_statistics(source, encoding_of(tile))
