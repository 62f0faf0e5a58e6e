"""Rows of the catalogue, without a catalogue."""

from __future__ import annotations

from typing import Any

from catalog.models import Terrain, Tile


def make_terrain(**columns: Any) -> Terrain:
    return Terrain(**{"name": "alps", "tile_count": 0} | columns)


BLOCKS = {"block_height": 1, "block_width": 4}


def make_tile(**columns: Any) -> Tile:
    usual = {"url": "a.npy", "x": 0, "y": 0, "width": 4, "height": 3, "dtype": "int16"}
    return Tile(**usual | {"nodata": None, "scale": 1.0, "offset": 0.0, "size": 1} | BLOCKS | columns)


BOX = {"tile_count": 1, "min_x": -2, "max_x": 5, "min_y": 10, "max_y": 13}
