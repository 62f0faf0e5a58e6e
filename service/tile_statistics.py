"""The use-case behind a tile's statistics: the catalogue says which source, `raster` reads and sums up."""

from __future__ import annotations

from catalog.repository import terrains, tiles
from raster.sources.opening import inspect_source, open_registered
from raster.sources.reading import read_statistics
from raster.statistics import Statistics
from service.declared_tiles import check_look
from service.house import House
from service.tally import SOURCES
from service.terrain_grids import anchor_of, encoding_of, identity_of


def compute_statistics(house: House, tile_id: int) -> Statistics:
    """Statistics of a tile's valid cells, as they were registered.

    Raises
    ------
    TileNotFound
    SourceChanged
        The source is not the one that was registered.
    SourceMisdeclared
        It is not what was declared.
    SourceError
    """
    with house.database.read() as session:
        tile = tiles.get_tile(session, tile_id)
        anchor = anchor_of(terrains.get_terrain(session, tile.terrain_id))
    if tile.is_declared:
        check_look(anchor, tile, inspect_source(house.roots, tile.url))
    house.tally.add(SOURCES, "statistics")
    shape = (tile.height, tile.width)
    with open_registered(house.roots, tile.url, identity_of(tile), shape) as source:
        return read_statistics(source, encoding_of(tile))
