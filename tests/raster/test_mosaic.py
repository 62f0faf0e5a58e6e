"""The terrain as one array, window by window, against tiles painted one after the other."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import NativeCells, OracleTile, paint
from raster.cells import CellType
from raster.decoding import DecodedTiles
from raster.errors import SourceNotFound
from raster.grid import Window
from raster.mosaic import INDEX_CELLS, Mosaic, MosaicCells
from raster.tiles import PlacedTile
from terrains import cells_of, save_mosaic

SQUARE = 16


@st.composite
def laid_tiles(draw: st.DrawFn) -> list[OracleTile]:
    """Tiles one over another: with and without a sentinel, of one dtype or of several."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtypes = draw(st.sampled_from([["int16"], ["uint8"], ["float32"], ["int16", "uint8", "float32"]]))
    laid = []
    for _ in range(draw(st.integers(1, 5))):
        shape = draw(st.integers(1, 40)), draw(st.integers(1, 40))
        cells = rng.integers(1, 200, shape).astype(draw(st.sampled_from(dtypes)))
        nodata = draw(st.sampled_from([None, 7]))
        if nodata is not None:
            cells[rng.random(shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = nodata
        laid.append(OracleTile(draw(st.integers(-20, 20)), draw(st.integers(-20, 20)), cells, nodata))
    return laid


def tiles_under(mosaic: Mosaic, window: Window) -> list[PlacedTile]:
    """As a build finds them: by the squares of the index that a window touches."""
    index = mosaic.index(SQUARE)
    rows = range(window.row // SQUARE, (window.row_stop - 1) // SQUARE + 1)
    cols = range(window.col // SQUARE, (window.col_stop - 1) // SQUARE + 1)
    numbers = {number for row in rows for col in cols for number in index.tiles_of(row, col).tolist()}
    return [mosaic.tiles[number] for number in sorted(numbers)]


def assert_shows(cells: np.ndarray, kind: CellType, native: NativeCells, window: Window) -> None:
    valid = native.valid[window.slices]
    assert cells.dtype == kind.dtype
    assert cells.shape == window.shape
    np.testing.assert_array_equal(kind.valid(cells), valid)
    np.testing.assert_array_equal(cells[valid], native.values[window.slices][valid])


@settings(max_examples=40)
@given(laid_tiles(), st.data())
def test_any_window_shows_the_last_tile_that_has_data(laid: list[OracleTile], data: st.DataObject) -> None:
    native = paint(laid)
    with tempfile.TemporaryDirectory() as folder:
        mosaic = save_mosaic(Path(folder), laid)
        reader = MosaicCells(mosaic.cell_type, DecodedTiles(mosaic.roots, SQUARE, 2**20))
        height, width = mosaic.grid.shape
        assert_shows(cells_of(mosaic), mosaic.cell_type, native, mosaic.grid.window)
        for _ in range(3):
            row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
            window = Window(
                row=row,
                col=col,
                height=data.draw(st.integers(1, height - row)),
                width=data.draw(st.integers(1, width - col)),
            )
            found = reader.read_window(window, tiles_under(mosaic, window))
            assert_shows(found, mosaic.cell_type, native, window)


@pytest.fixture
def corners(tmp_path: Path) -> Mosaic:
    """Two tiles at opposite corners of 60 x 60 cells; nothing between."""
    ones = np.ones((20, 20), np.int16)
    return save_mosaic(tmp_path, [OracleTile(0, 0, ones), OracleTile(40, 40, 2 * ones)])


def test_cells_under_no_tile_are_nodata_though_no_tile_has_any(corners: Mosaic) -> None:
    assert corners.cell_type.nodata is not None
    between = Window(row=0, col=40, height=20, width=20)
    reader = MosaicCells(corners.cell_type, DecodedTiles(corners.roots, SQUARE, 2**20))
    for tiles in ([], list(corners.tiles)):
        assert (reader.read_window(between, tiles) == corners.cell_type.nodata).all()


def test_tiles_that_leave_no_gap_need_no_nodata(tmp_path: Path) -> None:
    ones = np.ones((20, 20), np.int16)
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, ones), OracleTile(0, 20, ones)])
    assert mosaic.cell_type == CellType(np.dtype(np.int16), None)


def test_only_tiles_with_cells_in_a_window_are_opened(corners: Mosaic) -> None:
    (corners.roots.folders[0] / "1.npy").unlink()
    reader = MosaicCells(corners.cell_type, DecodedTiles(corners.roots, SQUARE, 2**20))
    assert (reader.read_window(Window(row=0, col=0, height=20, width=20), corners.tiles) == 1).all()
    with pytest.raises(SourceNotFound):
        reader.read_window(Window(row=0, col=0, height=41, width=41), corners.tiles)


def test_painting_over_a_tile_leaves_what_others_see_of_it(tmp_path: Path) -> None:
    below = np.arange(400, dtype=np.int16).reshape(20, 20)
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, below), OracleTile(5, 5, np.full((5, 5), -1, np.int16))])
    reader = MosaicCells(mosaic.cell_type, DecodedTiles(mosaic.roots, SQUARE, 2**20))
    lower, upper = mosaic.tiles
    painted = reader.read_window(mosaic.grid.window, [lower, upper])
    assert (painted[5:10, 5:10] == -1).all()
    np.testing.assert_array_equal(reader.read_window(mosaic.grid.window, [lower]), below)
    np.testing.assert_array_equal(np.load(tmp_path / "0.npy"), below)


def test_squares_of_any_size_know_their_tiles_in_order_of_precedence(corners: Mosaic) -> None:
    assert corners.index(INDEX_CELLS).cells == INDEX_CELLS
    assert corners.index(INDEX_CELLS).tiles_of(0, 0).tolist() == [0, 1]
    squares = corners.index(20)
    assert (squares.cells, squares.columns, squares.square_count) == (20, 3, 9)
    assert [squares.tiles_of(at, at).tolist() for at in range(3)] == [[0], [], [1]]
    # in compressed rows: two squares with tiles, where their tiles start, and the end
    assert (squares.squares.tolist(), squares.starts.tolist(), squares.tiles.tolist()) == (
        [0, 8],
        [0, 1, 2],
        [0, 1],
    )


def test_many_tiles_under_one_square_keep_their_order(tmp_path: Path) -> None:
    laid = [OracleTile(0, 0, np.full((3, 3), number, np.int16)) for number in range(30)]
    mosaic = save_mosaic(tmp_path, laid)
    assert mosaic.index(2).tiles_of(1, 1).tolist() == list(range(30))
    assert (cells_of(mosaic) == 29).all()
