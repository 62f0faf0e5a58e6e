"""Parts come out of their wait as they went in, and lie where their shard lies."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raster.errors import StoreFailed
from raster.grid import Window
from raster.shards import Shard
from raster.spilled import SpilledCells
from raster.waiting import FIRST_SPILLED_LEVEL, GatheredParts, WaitingParts, narrow_parts, widen_parts

DTYPES = ["uint8", "int16", "uint32", "int64", "float32", "float64"]
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)
LEVELS = [0, FIRST_SPILLED_LEVEL, 7]


@pytest.mark.parametrize("level", LEVELS)
@given(cells=st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES)))
def test_parts_come_out_as_they_went_in(level: int, cells: np.ndarray) -> None:
    parts = {"a": cells, "b": np.asfortranarray(cells), "c": np.zeros(cells.shape, np.uint8)}
    waiting = WaitingParts.of(narrow_parts(parts), level)
    assert waiting.shape == cells.shape
    height, width = cells.shape
    for window in (
        Window(row=0, col=0, height=height, width=width),
        Window(row=height // 2, col=width // 2, height=1, width=1),
    ):
        for name, read in waiting.read(window).items():
            assert np.can_cast(read.dtype, parts[name].dtype)
            np.testing.assert_array_equal(read, parts[name][window.slices])  # NaN equals NaN


@given(cells=st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES)))
def test_integers_wait_in_the_smallest_type_that_holds_them_all(cells: np.ndarray) -> None:
    narrow = narrow_parts({"a": cells})["a"]
    if cells.dtype.kind in "iu" and cells.dtype.itemsize >= 4:
        assert narrow.dtype == smallest_type(cells)
    else:
        assert narrow.dtype == cells.dtype
    again = widen_parts({"a": narrow}, like={"a": np.zeros((1, 1), cells.dtype)})["a"]
    assert again.dtype == cells.dtype
    np.testing.assert_array_equal(again, cells)


def smallest_type(cells: np.ndarray) -> np.dtype:
    """Of the same kind."""
    bits = max(
        int(number).bit_length() + (cells.dtype.kind == "i")
        for extreme in (cells.min(), cells.max())
        for number in (extreme if extreme >= 0 else ~extreme,)
    )
    return np.dtype(f"{cells.dtype.kind}{next(size for size in (1, 2, 4, 8) if 8 * size >= bits)}")


def test_parts_above_level_0_are_on_the_disk_and_gone_when_nobody_needs_them() -> None:
    before = nameless_files()
    waiting = WaitingParts.of({"sum": np.ones((512, 512)), "count": np.ones((512, 512), np.uint32)}, level=1)
    assert all(isinstance(each, SpilledCells) for each in waiting.arrays.values())
    assert nameless_files() == before + 2
    del waiting
    assert nameless_files() == before


def nameless_files() -> int:
    """Open files of this process that no folder names."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).endswith("(deleted)") for link in links)


def test_what_is_on_the_disk_goes_to_other_processes_with_its_cells() -> None:
    cells = np.arange(30.0).reshape(5, 6)
    there = pickle.loads(pickle.dumps(SpilledCells(cells)))
    np.testing.assert_array_equal(there[1:4], cells[1:4])


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    with pytest.raises(StoreFailed, match="/proc"):
        SpilledCells(np.ones((2, 2)))


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
