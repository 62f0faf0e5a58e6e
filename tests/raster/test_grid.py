"""Windows, grids, levels: arithmetic of place."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from raster.errors import LevelNotFound, WindowOutOfBounds
from raster.grid import CELL_TRANSFORM, Grid, Window, covers

windows = st.builds(
    Window,
    row=st.integers(-12, 12),
    col=st.integers(-12, 12),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
)


def painted(window: Window) -> np.ndarray:
    """The window as True cells of a board of rows and columns -30 to 29."""
    board = np.zeros((60, 60), dtype=bool)
    board[window.row + 30 : window.row_stop + 30, window.col + 30 : window.col_stop + 30] = True
    return board


@given(windows, windows)
def test_the_intersection_holds_the_cells_of_both(one: Window, other: Window) -> None:
    common = one.intersection(other)
    expected = painted(one) & painted(other)
    assert np.array_equal(painted(common) if common else np.zeros((60, 60), bool), expected)


@given(windows, windows)
def test_a_window_contains_another_when_it_has_all_its_cells(one: Window, other: Window) -> None:
    assert one.contains(other) == bool((painted(one) | ~painted(other)).all())


@given(windows, st.integers(1, 7), st.integers(1, 7))
def test_splitting_covers_each_cell_once(window: Window, height: int, width: int) -> None:
    pieces = window.split(height, width)
    assert np.array_equal(sum(painted(piece).astype(int) for piece in pieces), painted(window).astype(int))
    assert all(piece.height <= height and piece.width <= width for piece in pieces)


@given(windows, st.lists(windows, max_size=12))
def test_covers_sees_every_gap(window: Window, parts: list[Window]) -> None:
    board = np.zeros((60, 60), dtype=bool)
    for part in parts:
        board |= painted(part)
    assert covers(window, parts) == bool(board[painted(window)].all())


def test_a_lattice_of_tiles_covers_its_box_until_one_is_missing() -> None:
    tiles = [Window(row=r, col=c, height=10, width=10) for r in range(0, 100, 10) for c in range(0, 100, 10)]
    box = Window(row=0, col=0, height=100, width=100)
    assert covers(box, tiles)
    assert not covers(box, tiles[:57] + tiles[58:] + [tiles[3]] * 5)


def test_a_window_without_cells_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one cell"):
        Window(row=0, col=0, height=0, width=3)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_levels_halve_upwards_until_one_cell_is_left(height: int, width: int) -> None:
    grid = Grid(height=height, width=width)
    shape, level = (height, width), 0
    while shape != (1, 1):
        assert grid.level(level).shape == shape
        shape, level = (-(-shape[0] // 2), -(-shape[1] // 2)), level + 1
    assert grid.level_count == level + 1
    assert grid.level(-1).shape == (1, 1)
    assert grid.level(-grid.level_count) == grid


@pytest.mark.parametrize("level", [4, 99, -5])
def test_a_level_that_is_not_there_is_refused_with_the_number_of_levels(level: int) -> None:
    with pytest.raises(LevelNotFound) as caught:
        Grid(height=5, width=7).level(level)
    assert caught.value.level_count == 4


def test_a_level_keeps_the_origin_and_doubles_the_cells() -> None:
    grid = Grid(height=3, width=5, transform=Affine(10, 0, 500, 0, -10, 900), crs="EPSG:32633")
    assert grid.level(2).transform == Affine(40, 0, 500, 0, -40, 900)
    assert grid.level(2).crs == "EPSG:32633"
    assert (grid.extent.left, grid.extent.bottom, grid.extent.right, grid.extent.top) == (500, 870, 550, 900)


def test_a_part_lies_where_its_window_lies() -> None:
    part = Grid(height=10, width=10, transform=CELL_TRANSFORM).part(Window(row=2, col=3, height=4, width=5))
    assert part.transform == Affine(1, 0, 3, 0, -1, -2)
    assert part.shape == (4, 5)


@pytest.mark.parametrize(
    "window",
    [
        Window(row=0, col=0, height=6, width=1),
        Window(row=-1, col=0, height=1, width=1),
        Window(row=0, col=7, height=1, width=1),
    ],
)
def test_a_part_outside_is_refused(window: Window) -> None:
    with pytest.raises(WindowOutOfBounds):
        Grid(height=5, width=7).part(window)
