"""Which tiles lie under which square, and whether they leave gaps, against a canvas painted cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raster.grid import Grid
from raster.tile_index import has_gaps, index_tiles


@st.composite
def laid(draw: st.DrawFn) -> tuple[Grid, np.ndarray]:
    """A grid and tiles inside it, which often cover it."""
    height, width = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    windows = []
    for _ in range(draw(st.integers(1, 6))):
        row, col = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        if draw(st.booleans()):
            row = col = 0
        rest = (
            (height - row, width - col)
            if draw(st.booleans())
            else (draw(st.integers(1, height - row)), draw(st.integers(1, width - col)))
        )
        windows.append((row, col, *rest))
    return Grid(height=height, width=width), np.array(windows, np.int64)


@settings(max_examples=300)
@given(laid(), st.sampled_from([1, 2, 5, 8, 64]))
def test_squares_know_their_tiles_and_gaps_are_seen(terrain: tuple[Grid, np.ndarray], cells: int) -> None:
    grid, windows = terrain
    index = index_tiles(grid, windows, cells)
    canvas = np.zeros(grid.shape, bool)
    under: dict[tuple[int, int], set[int]] = {}
    for number, (row, col, height, width) in enumerate(windows.tolist()):
        canvas[row : row + height, col : col + width] = True
        for r in range(row, row + height):
            for c in range(col, col + width):
                under.setdefault((r // cells, c // cells), set()).add(number)
    for row in range(-(-grid.height // cells)):
        for col in range(-(-grid.width // cells)):
            assert index.tiles_of(row, col).tolist() == sorted(under.get((row, col), ()))
    assert has_gaps(index, windows) == (not canvas.all())
    with pytest.MonkeyPatch.context() as few:
        few.setattr("raster.tile_index._is_covered.__defaults__", (0,))
        assert has_gaps(index, windows) == (not canvas.all())


def test_a_gap_of_one_cell_among_many_tiles_is_seen() -> None:
    rows, cols = np.divmod(np.arange(64 * 64), 64)
    windows = np.stack([rows * 10, cols * 10, np.full(4096, 10), np.full(4096, 10)], axis=1).astype(np.int64)
    grid = Grid(height=640, width=640)
    assert not has_gaps(index_tiles(grid, windows, 256), windows)
    windows[1234, 3] = 9
    assert has_gaps(index_tiles(grid, windows, 256), windows)


@pytest.mark.parametrize("pairs", [1, 7, 1000])
def test_pieces_of_the_work_make_the_same_index(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    rng = np.random.default_rng(1)
    windows = np.concatenate([rng.integers(0, 50, (40, 2)), rng.integers(1, 50, (40, 2))], axis=1)
    grid = Grid(height=100, width=100)
    whole = index_tiles(grid, windows, 8)
    monkeypatch.setattr("raster.tile_index.PAIRS_AT_ONCE", pairs)
    cut = index_tiles(grid, windows, 8)
    for name in ("squares", "starts", "tiles"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))
