"""The 2x2 step: which cells make which, whatever the merge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster.zoom import BAND_ROWS, Parts, add_parts, bands, concatenate, zoom_blocks

shapes = st.tuples(st.integers(1, 7), st.integers(1, 7))


def numbered(shape: tuple[int, int]) -> np.ndarray:
    """A power of two for each cell: the sum of some tells which ones, and how often."""
    return (1 << np.arange(math.prod(shape), dtype=np.int64)).reshape(shape)


def blocks_added_one_by_one(cells: np.ndarray) -> np.ndarray:
    height, width = cells.shape
    added = np.zeros((math.ceil(height / 2), math.ceil(width / 2)), cells.dtype)
    for row in range(height):
        for col in range(width):
            added[row // 2, col // 2] += cells[row, col]
    return added


@given(shapes)
def test_each_cell_goes_once_into_the_block_that_covers_it(shape: tuple[int, int]) -> None:
    cells = numbered(shape)
    zoomed = zoom_blocks({"value": cells}, add_parts)
    np.testing.assert_array_equal(zoomed["value"], blocks_added_one_by_one(cells))
    assert zoomed["value"].dtype == cells.dtype


@pytest.mark.parametrize(
    ("cells", "zoomed"),
    [
        ([[5]], [[5]]),
        ([[1, 2, 3, 4, 5]], [[3, 7, 5]]),
        ([[1], [2], [3], [4], [5]], [[3], [7], [5]]),
        ([[1, 2], [3, 4]], [[10]]),
        ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[12, 9], [15, 9]]),
    ],
)
def test_a_last_odd_row_or_column_goes_on_alone(cells: list[list[int]], zoomed: list[list[int]]) -> None:
    assert zoom_blocks({"value": np.array(cells)}, add_parts)["value"].tolist() == zoomed


@given(shapes)
def test_zooming_out_to_the_end_leaves_every_cell_in_the_last_one(shape: tuple[int, int]) -> None:
    parts: Parts = {"value": numbered(shape)}
    for _ in range((max(shape) - 1).bit_length()):
        parts = zoom_blocks(parts, add_parts)
    assert parts["value"].tolist() == [[2 ** math.prod(shape) - 1]]


def test_all_parts_step_together_under_one_merge() -> None:
    def taller_one(one: Parts, other: Parts) -> Parts:
        keeps = one["height"] >= other["height"]
        return {name: np.where(keeps, one[name], other[name]) for name in one}

    heights = np.array([[1, 9, 2], [3, 4, 8]])
    zoomed = zoom_blocks({"height": heights, "place": np.arange(6).reshape(2, 3)}, taller_one)
    assert zoomed["height"].tolist() == [[9, 8]]
    assert zoomed["place"].tolist() == [[1, 5]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 1), (4, 4), (5, 5)])
def test_the_cells_of_the_level_below_stay_as_they_were(shape: tuple[int, int]) -> None:
    cells = numbered(shape)
    cells.flags.writeable = False
    zoom_blocks({"value": cells}, add_parts)
    np.testing.assert_array_equal(cells, numbered(shape))


@pytest.mark.parametrize("height", [1, BAND_ROWS - 1, BAND_ROWS, BAND_ROWS + 1, 2 * BAND_ROWS + 3])
def test_zooming_band_by_band_is_zooming_at_once(height: int) -> None:
    cells = np.random.default_rng(1).integers(0, 1000, (height, 5))
    whole = zoom_blocks({"value": cells}, add_parts)["value"]
    pieces = [zoom_blocks({"value": band}, add_parts) for band in bands(cells)]
    np.testing.assert_array_equal(concatenate(pieces, axis=0)["value"], whole)


def test_bands_are_views_and_leave_out_no_row() -> None:
    cells = np.arange((2 * BAND_ROWS + 1) * 2).reshape(-1, 2)
    cut = list(bands(cells))
    assert [band.shape[0] for band in cut] == [BAND_ROWS, BAND_ROWS, 1]
    assert all(np.shares_memory(band, cells) for band in cut)
    np.testing.assert_array_equal(np.vstack(cut), cells)
