"""Parts come out of their wait as they went in, and lie where their shard lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raster.shards import Shard
from raster.waiting import FIRST_PACKED_LEVEL, GatheredParts, PackedCells, WaitingParts

DTYPES = ["uint8", "int16", "uint32", "int64", "float32", "float64"]
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)
LEVELS = [0, FIRST_PACKED_LEVEL, 7]


@pytest.mark.parametrize("level", LEVELS)
@given(cells=st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES)))
def test_parts_come_out_as_they_went_in(level: int, cells: np.ndarray) -> None:
    parts = {"a": cells, "b": np.asfortranarray(cells), "c": np.zeros(cells.shape, np.uint8)}
    waiting = WaitingParts.of(parts, level)
    assert waiting.shape == cells.shape
    for name, unpacked in waiting.unpack().items():
        assert np.can_cast(unpacked.dtype, parts[name].dtype)
        np.testing.assert_array_equal(unpacked, parts[name])  # NaN equals NaN


def test_parts_above_level_0_take_less_room_than_their_cells() -> None:
    heights = np.add.outer(np.arange(512.0), np.arange(512.0)) / 7
    waiting = WaitingParts.of({"sum": heights, "count": np.full(heights.shape, 16, np.uint32)}, level=1)
    packed = [array for array in waiting.arrays.values() if isinstance(array, PackedCells)]
    assert len(packed) == 2
    assert sum(len(array.data) for array in packed) < heights.nbytes / 2


@pytest.mark.parametrize("level", LEVELS)
@given(height=st.integers(1, 16), width=st.integers(1, 16), step=st.sampled_from([2, 4, 16]), data=st.data())
def test_a_shard_is_put_together_row_by_row(
    level: int, height: int, width: int, step: int, data: st.DataObject
) -> None:
    shard_cells, half = 16, 8
    whole = np.arange(height * width, dtype=np.int32).reshape(height, width)
    children: list[tuple[Shard, WaitingParts]] = []
    for row, col in ((0, 0), (0, 1), (1, 0), (1, 1)):
        place = (slice(half * row, half * (row + 1)), slice(half * col, half * (col + 1)))
        if not whole[place].size:
            continue
        if data.draw(st.booleans(), label=f"tiles under {row}, {col}"):
            parts = WaitingParts.of({"a": whole[place].copy()}, level)
            children.append((Shard(level, 2 * 3 + row, 2 * 5 + col), parts))
        else:
            whole[place] = -9
    gathered = GatheredParts(children, {"a": np.array([[-9]], np.int32)}, shard_cells)
    rows = [slice(start, min(start + step, height)) for start in range(0, height, step)]
    read = [gathered.read_rows(each, width)["a"] for each in rows]
    np.testing.assert_array_equal(np.concatenate(read), whole)
