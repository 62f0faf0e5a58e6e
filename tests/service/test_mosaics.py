"""A terrain's rows as one array."""

from __future__ import annotations

from pathlib import Path

from raster.sources.roots import TileRoots
from rows import BOX, make_terrain, make_tile
from service.mosaics import mosaic_of


def test_a_mosaic_has_tiles_relative_to_its_corner_and_needs_no_file(tmp_path: Path) -> None:
    terrain = make_terrain(**BOX)
    tiles = [make_tile(x=-2, y=10), make_tile(x=1, y=10, url="b.npy")]
    mosaic = mosaic_of(terrain, tiles, TileRoots((tmp_path,)))
    assert [tile.window.col for tile in mosaic.tiles] == [0, 3]
    assert [tile.url for tile in mosaic.tiles] == ["a.npy", "b.npy"]
    assert mosaic.cell_type.nodata is None


def test_a_mosaic_with_a_gap_has_nodata(tmp_path: Path) -> None:
    mosaic = mosaic_of(make_terrain(**BOX), [make_tile(x=-2, y=10)], TileRoots((tmp_path,)))
    assert mosaic.cell_type.nodata is not None
