"""Shards and chunks: every cell of every level in exactly one, and the tree that joins them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raster.grid import Grid, Window
from raster.shards import Shard, ShardTree

CUTS = [(2, 2), (4, 2), (4, 4), (8, 2), (12, 6)]


@st.composite
def trees(draw: st.DrawFn) -> ShardTree:
    shard_cells, chunk_cells = draw(st.sampled_from(CUTS))
    grid = Grid(height=draw(st.integers(1, 40)), width=draw(st.integers(1, 40)))
    return ShardTree(grid, shard_cells, chunk_cells)


def shards_at(tree: ShardTree, level: int) -> list[Shard]:
    rows, cols = tree.shape(level)
    return [Shard(level, row, col) for row in range(rows) for col in range(cols)]


@given(trees())
def test_the_shards_of_a_level_cover_each_cell_once(tree: ShardTree) -> None:
    for level in range(tree.grid.level_count):
        covered = np.zeros(tree.grid.level(level).shape, np.int64)
        for shard in shards_at(tree, level):
            covered[tree.window(shard).slices] += 1
        assert (covered == 1).all()


@given(trees())
def test_every_shard_has_one_parent_whose_cells_its_own_make(tree: ShardTree) -> None:
    for level in range(1, tree.root.level + 1):
        born = [child for shard in shards_at(tree, level) for child in tree.children(shard)]
        assert sorted(born) == shards_at(tree, level - 1)
        for shard in shards_at(tree, level):
            window = tree.window(shard)
            for child in tree.children(shard):
                below = tree.window(child)
                halved = Window(
                    row=below.row // 2,
                    col=below.col // 2,
                    height=math.ceil(below.height / 2),
                    width=math.ceil(below.width / 2),
                )
                assert window.contains(halved)


@given(trees())
def test_the_root_is_the_first_level_of_one_shard(tree: ShardTree) -> None:
    assert tree.shape(tree.root.level) == (1, 1)
    assert tree.root.level == 0 or tree.shape(tree.root.level - 1) != (1, 1)


def test_a_shard_of_native_cells_has_no_children() -> None:
    assert list(ShardTree(Grid(height=9, width=9), 4, 2).children(Shard(0, 0, 0))) == []


@given(trees(), st.data())
def test_a_window_touches_the_shards_it_has_cells_in(tree: ShardTree, data: st.DataObject) -> None:
    row, col = (data.draw(st.integers(0, side - 1)) for side in tree.grid.shape)
    window = Window(
        row=row,
        col=col,
        height=data.draw(st.integers(1, tree.grid.height - row)),
        width=data.draw(st.integers(1, tree.grid.width - col)),
    )
    expected = [shard for shard in shards_at(tree, 0) if tree.window(shard).intersection(window)]
    assert list(tree.shards_of(window)) == expected


@given(trees())
def test_stored_objects_are_whole_chunks_and_as_large_as_a_shard(tree: ShardTree) -> None:
    for level in range(tree.grid.level_count):
        shapes = tree.chunk_shapes(level)
        for side, chunk, stored in zip(
            tree.grid.level(level).shape, shapes.chunk, shapes.object_shape, strict=True
        ):
            assert chunk == min(tree.chunk_cells, side)
            assert stored % chunk == 0
            # one task writes whole objects only if each of them lies within one shard
            assert stored == tree.shard_cells or side <= stored <= tree.shard_cells


@pytest.mark.parametrize(
    ("shape", "chunk", "shard"),
    [
        ((1, 1), (1, 1), None),
        ((2, 2), (2, 2), None),
        ((1, 2), (1, 2), None),
        ((1, 3), (1, 2), (1, 4)),
        ((9, 3), (2, 2), (8, 4)),
        ((100, 100), (2, 2), (8, 8)),
    ],
)
def test_a_level_of_one_chunk_is_not_sharded(
    shape: tuple[int, int], chunk: tuple[int, int], shard: tuple[int, int] | None
) -> None:
    shapes = ShardTree(Grid(height=shape[0], width=shape[1]), 8, 2).chunk_shapes(0)
    assert (shapes.chunk, shapes.shard) == (chunk, shard)


@pytest.mark.parametrize(("row", "col"), [(3, 0), (0, 3)])
def test_a_shard_outside_its_level_is_a_mistake(row: int, col: int) -> None:
    with pytest.raises(ValueError, match="lies outside"):
        ShardTree(Grid(height=9, width=9), 4, 2).window(Shard(0, row, col))


@pytest.mark.parametrize(
    ("shard_cells", "chunk_cells"), [(4, 3), (2, 4), (1, 1), (9, 3), (6, 3), (0, 4), (0, 0)]
)
def test_shards_that_four_children_would_not_fill_are_refused(shard_cells: int, chunk_cells: int) -> None:
    with pytest.raises(ValueError, match="even"):
        ShardTree(Grid(height=9, width=9), shard_cells, chunk_cells)
