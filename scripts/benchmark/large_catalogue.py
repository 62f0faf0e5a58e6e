"""A catalogue of very many terrains and tiles, written by the database itself: no source is behind it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from sqlalchemy import URL

from catalog.database import open_database
from own_postgres import conninfo_of

BIG_SHARE = 5
"""One terrain, the middle one, has a fifth of all tiles; the others share the rest alike."""

TILE_CELLS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a catalogue holds."""

    terrains: int
    tiles: int

    @property
    def big_terrain(self) -> int:
        """Id of the terrain with most tiles."""
        return self.terrains // 2 + 1

    @property
    def tiles_of_others(self) -> int:
        return (self.tiles - self.tiles // BIG_SHARE) // max(1, self.terrains - 1)

    @property
    def tiles_of_big(self) -> int:
        return self.tiles - self.tiles_of_others * (self.terrains - 1)


def name_of(terrain_id: int) -> str:
    """The name of a terrain; in order of ids."""
    return f"terrain-{terrain_id:07}"


TERRAINS = """
INSERT INTO terrain (
    id, name, title, description, attribution, license, unit, vertical_datum, crs, anchor_transform, nodata,
    revision, tile_count, min_x, min_y, max_x, max_y, west, south, east, north, created_at, updated_at
)
SELECT
    id, 'terrain-' || lpad(id::text, 7, '0'), 'Terrain ' || id, 'Heights of sheet ' || id || ', first survey',
    'Survey of sheet ' || id % 97, 'CC-BY-4.0', 'm', 'EGM2008', 'EPSG:' || 32601 + id % 60,
    json_build_array(10.0, 0.0, 500000.0 + id % 1000 * 10, 0.0, -10.0, 5000000.0 - id % 777 * 10), '-32768',
    1, tiles, 0, 0, side * {cells}, (tiles + side - 1) / side * {cells},
    id % 359 - 180, id % 170 - 85, id % 359 - 179.5, id % 170 - 84.5, now(), now()
FROM (
    SELECT id, tiles, greatest(1, ceil(sqrt(tiles)))::bigint AS side
    FROM generate_series(1, {terrains}) AS id,
    LATERAL (SELECT CASE WHEN id = {big} THEN {tiles_of_big} ELSE {tiles_of_others} END AS tiles) AS share
) AS terrains
"""

TILES = """
INSERT INTO tile (
    terrain_id, url, x, y, width, height, dtype, nodata, scale, "offset", south_up, priority, size, mtime_ns,
    transform, crs, block_height, block_width, registered_at
)
SELECT
    terrain.id, 'sheets/' || terrain.id || '/' || number || '.tif',
    number % side * {cells}, number / side * {cells}, {cells}, {cells}, 'int16', '-32768', 1, 0, false, 0,
    400000 + number % 1000, 1700000000000000000 + number * 1000003,
    json_build_array(10.0, 0.0, 500000.0 + number * 10, 0.0, -10.0, 5000000.0), terrain.crs,
    {cells}, {cells}, now()
FROM terrain, LATERAL (SELECT max_x / {cells} AS side) AS row, generate_series(0, tile_count - 1) AS number
ORDER BY terrain.id, number
"""


def fill(url: URL, size: Size) -> None:
    """Make the tables in an empty database and fill them."""
    database = open_database(url.render_as_string(hide_password=False))
    database.migrate()
    database.dispose()
    numbers = {
        "cells": TILE_CELLS,
        "terrains": size.terrains,
        "big": size.big_terrain,
        "tiles_of_big": size.tiles_of_big,
        "tiles_of_others": size.tiles_of_others,
    }
    with psycopg.connect(conninfo_of(url), autocommit=True) as connection:
        # every tile is that of a terrain by how it is made: not looked up one by one
        connection.execute("SET session_replication_role = replica")
        connection.execute(TERRAINS.format(**numbers).encode())
        connection.execute(TILES.format(**numbers).encode())
        connection.execute("SELECT setval(pg_get_serial_sequence('terrain', 'id'), max(id)) FROM terrain")
        connection.execute("VACUUM (ANALYZE) terrain, tile")
