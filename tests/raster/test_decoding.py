"""Tiles are decoded once, whatever the shards cut, and give the file's cells."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.decoding import DecodedTiles
from raster.errors import SourceChanged
from raster.grid import Window
from raster.sources.gdal import GdalSource
from raster.sources.opening import inspect_source
from raster.sources.roots import TileRoots
from raster.tiles import PlacedTile

PLENTY = 2**30


def save_tile(folder: Path, cells: np.ndarray, *, row: int, col: int, block: int) -> PlacedTile:
    """A tiled GeoTIFF of small blocks, as a tile at a place."""
    with rasterio.open(
        folder / "tile.tif",
        "w",
        driver="GTiff",
        height=cells.shape[0],
        width=cells.shape[1],
        count=1,
        dtype=cells.dtype,
        tiled=True,
        blockxsize=block,
        blockysize=block,
        transform=Affine(1, 0, 0, 0, -1, 0),
    ) as raster:
        raster.write(cells, 1)
    info = inspect_source(TileRoots((folder,)), "tile.tif")
    return PlacedTile(
        url="tile.tif",
        window=Window(row=row, col=col, height=cells.shape[0], width=cells.shape[1]),
        encoding=info.encoding,
        identity=info.identity,
        block_height=info.block_height,
        block_width=info.block_width,
    )


def shards_over(tile: PlacedTile, side: int) -> list[Window]:
    """The tile's pieces under each shard, row by row."""
    reach = Window(row=0, col=0, height=tile.window.row_stop, width=tile.window.col_stop)
    return [
        common for shard in reach.split(side, side) if (common := shard.intersection(tile.window)) is not None
    ]


@pytest.fixture
def decoded_cells(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int]]:
    """How often each cell of a file was decoded."""
    counter: Counter[tuple[int, int]] = Counter()
    read = GdalSource.read_window

    def counting(source: GdalSource, window: Window) -> np.ndarray:
        for row in range(window.row, window.row_stop):
            counter.update((row, col) for col in range(window.col, window.col_stop))
        return read(source, window)

    monkeypatch.setattr(GdalSource, "read_window", counting)
    return counter


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(("row", "col", "side"), [(0, 0, 64), (5, 9, 64), (37, 0, 32), (0, 0, 48)])
def test_every_cell_is_decoded_once_however_shards_cut_the_tile(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    decoded_cells: Counter[tuple[int, int]],
    row: int,
    col: int,
    side: int,
    threads: int,
) -> None:
    monkeypatch.setattr("raster.decoding.UNIT_CELLS", 16)
    cells = np.random.default_rng(0).integers(0, 1000, (150, 130)).astype(np.int16)
    tile = save_tile(tmp_path, cells, row=row, col=col, block=16)
    decoded = DecodedTiles(TileRoots((tmp_path,)), side, PLENTY)
    found = np.full_like(cells, -1)

    def read(window: Window) -> None:
        found[window.relative_to(tile.window).slices] = decoded.read_window(tile, window)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, shards_over(tile, side)))
    np.testing.assert_array_equal(found, cells)
    assert set(decoded_cells.values()) == {1}
    assert len(decoded_cells) == cells.size
    assert decoded.kept_bytes == 0


def test_what_waits_for_a_second_shard_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raster.decoding.UNIT_CELLS", 16)
    cells = np.random.default_rng(0).integers(0, 1000, (320, 320)).astype(np.int16)
    tile = save_tile(tmp_path, cells, row=8, col=8, block=16)
    limit = 5 * 16 * 16 * 2
    decoded = DecodedTiles(TileRoots((tmp_path,)), 64, limit)
    for window in shards_over(tile, 64):
        expected = cells[window.relative_to(tile.window).slices]
        np.testing.assert_array_equal(decoded.read_window(tile, window), expected)
        assert decoded.kept_bytes <= limit


@settings(max_examples=60)
@given(st.data())
def test_any_window_is_the_file_s(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("tile")
    height, width = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 80))
    cells = np.arange(height * width, dtype=np.float32).reshape(height, width)
    row, col = data.draw(st.integers(0, 50)), data.draw(st.integers(0, 50))
    tile = save_tile(folder, cells, row=row, col=col, block=16)
    decoded = DecodedTiles(TileRoots((folder,)), data.draw(st.sampled_from([8, 32, 100])), 2000)
    for window in data.draw(st.permutations(shards_over(tile, 32))):
        expected = cells[window.relative_to(tile.window).slices]
        np.testing.assert_array_equal(decoded.read_window(tile, window), expected)


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    tile = save_tile(tmp_path, np.ones((32, 32), np.int16), row=0, col=0, block=16)
    save_tile(tmp_path, np.ones((32, 48), np.int16), row=0, col=0, block=16)
    decoded = DecodedTiles(TileRoots((tmp_path,)), 32, PLENTY)
    with pytest.raises(SourceChanged, match=r"tile\.tif"):
        decoded.read_window(tile, tile.window)
