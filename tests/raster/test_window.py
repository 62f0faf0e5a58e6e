"""Windows of stored pyramids: what is damaged is refused, and none of it reads as nodata."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import OracleTile
from raster.cached_chunks import CachedChunks
from raster.chunk_cache import ChunkCache
from raster.errors import LevelNotFound, PyramidCorrupt, StoreFailed, WindowOutOfBounds
from raster.grid import Grid, Window
from raster.storage.local import LocalRoot
from raster.storage.manifest import Manifest
from raster.storage.store import read_manifest
from raster.strict_store import StrictStore
from raster.verification import Flaw, find_damage
from raster.window import StoredPyramid
from terrains import BuiltPyramid, build, save_mosaic

NODATA = -32768
SHARDED, WHOLE, TOP = 0, 3, 6
"""Levels of 41 x 37 cells in chunks of 8: three are sharded, from 6 x 5 on one chunk is all."""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> BuiltPyramid:
    """Two tiles apart: shards with cells, and some without."""
    folder = tmp_path_factory.mktemp("pristine")
    rng = np.random.default_rng(5)
    near = rng.integers(-400, 4000, (20, 20)).astype(np.int16)
    near[:9, :9] = NODATA  # an inner chunk without cells in a shard with some
    far = rng.integers(-400, 4000, (9, 9)).astype(np.int16)
    laid = [OracleTile(0, 0, near, NODATA), OracleTile(32, 28, far, NODATA)]
    return build(save_mosaic(folder, laid), "max", folder / "p.zarr", shard_cells=16, chunk_cells=8)


@pytest.fixture
def stored(pristine: BuiltPyramid, tmp_path: Path) -> StoredPyramid:
    """A copy to damage."""
    root = tmp_path / "p.zarr"
    shutil.copytree(pristine.path, root)
    shutil.copy(LocalRoot(pristine.path).manifest_path, LocalRoot(root).manifest_path)
    return StoredPyramid(LocalRoot(root), pristine.plan.grid)


def folder_of(pyramid: StoredPyramid) -> Path:
    return Path(pyramid.root.url)


def manifest_of(pyramid: StoredPyramid) -> Path:
    return LocalRoot(folder_of(pyramid)).manifest_path


def whole_level(pyramid: StoredPyramid, level: int) -> np.ndarray:
    return pyramid.read_window(level, pyramid.grid.level(level).window)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "half": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "one byte more": lambda data: data + b"\0",
    "first byte gone": lambda data: data[1:],
    "bit flipped in the cells": lambda data: flip(data, 8 * len(data) // 3),
    "bit flipped at the end": lambda data: flip(data, 8 * len(data) - 1),
    "zeroed": lambda data: bytes(len(data)),
    "ones": lambda data: b"\xff" * len(data),
}


@settings(max_examples=40)
@given(st.data())
def test_a_window_is_that_part_of_the_level(pristine: BuiltPyramid, data: st.DataObject) -> None:
    level = data.draw(st.integers(-7, 6))
    height, width = pristine.plan.grid.level(level).shape
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    window = Window(
        row=row,
        col=col,
        height=data.draw(st.integers(1, height - row)),
        width=data.draw(st.integers(1, width - col)),
    )
    for cells in (pristine.stored, CachedChunks(pristine.stored, ChunkCache(2**20))):
        found = cells.read_window(level, window)
        np.testing.assert_array_equal(found, pristine.level(level % 7)[window.slices])
        assert found.dtype == np.int16


def test_windows_outside_are_refused_by_both(pristine: BuiltPyramid) -> None:
    height, width = pristine.plan.grid.shape
    for cells in (pristine.stored, CachedChunks(pristine.stored, ChunkCache(2**20))):
        for row, col in ((height, 0), (0, width), (-1, 0)):
            with pytest.raises(WindowOutOfBounds):
                cells.read_window(0, Window(row=row, col=col, height=1, width=1))
        with pytest.raises(LevelNotFound):
            cells.read_window(7, Window(row=0, col=0, height=1, width=1))


def test_shards_without_cells_read_as_nodata(pristine: BuiltPyramid) -> None:
    assert not (pristine.path / "0/elevation/c/0/2").exists()
    assert (pristine.level(0)[:16, 32:] == NODATA).all()
    assert (pristine.level(0)[:8, :8] == NODATA).all()
    assert (pristine.level(0)[9:16, 9:16] != NODATA).all()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("level", [SHARDED, WHOLE, TOP])
def test_a_damaged_object_is_corruption(
    stored: StoredPyramid, level: int, damage: Callable[[bytes], bytes]
) -> None:
    path = folder_of(stored) / f"{level}/elevation/c/0/0"
    expected = whole_level(stored, level)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(PyramidCorrupt):
        whole_level(stored, level)
    for window in stored.grid.level(level).window.split(3, 3):
        with suppress(PyramidCorrupt):
            np.testing.assert_array_equal(stored.read_window(level, window), expected[window.slices])


@pytest.mark.parametrize("level", [SHARDED, WHOLE, TOP])
def test_a_missing_object_is_corruption(stored: StoredPyramid, level: int) -> None:
    (folder_of(stored) / f"{level}/elevation/c/0/0").unlink()
    with pytest.raises(PyramidCorrupt, match=rf"{level}/elevation/c/0/0: missing"):
        whole_level(stored, level)


@pytest.mark.parametrize("level", [SHARDED, WHOLE])
def test_no_flipped_bit_changes_a_cell(stored: StoredPyramid, level: int) -> None:
    """Each is refused, but for the few that no reader of zstd looks at."""
    path = folder_of(stored) / f"{level}/elevation/c/0/0"
    whole, expected = path.read_bytes(), whole_level(stored, level)
    refused = 0
    bits = np.random.default_rng(level).choice(8 * len(whole), 120, replace=False)
    for bit in bits:
        path.write_bytes(flip(whole, int(bit)))
        try:
            np.testing.assert_array_equal(whole_level(stored, level), expected)
        except PyramidCorrupt:
            refused += 1
    assert refused > 110


def test_damage_elsewhere_does_not_keep_whole_cells_from_being_read(stored: StoredPyramid) -> None:
    (folder_of(stored) / "0/elevation/c/2/1").unlink()
    with pytest.raises(PyramidCorrupt):
        whole_level(stored, 0)
    assert stored.read_window(0, Window(row=0, col=0, height=16, width=16)).shape == (16, 16)
    assert whole_level(stored, 1).shape == (21, 19)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_group_is_corruption(stored: StoredPyramid, damage: Callable[[bytes], bytes]) -> None:
    path = folder_of(stored) / "zarr.json"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(PyramidCorrupt):
        whole_level(stored, 0)


def test_a_group_that_says_otherwise_than_it_was_written_is_corruption(stored: StoredPyramid) -> None:
    path = folder_of(stored) / "zarr.json"
    path.write_bytes(path.read_bytes().replace(b'"fill_value":-32768', b'"fill_value":-32758'))
    with pytest.raises(PyramidCorrupt, match="other bytes"):
        whole_level(stored, 0)


def test_a_missing_group_is_corruption(stored: StoredPyramid) -> None:
    (folder_of(stored) / "zarr.json").unlink()
    with pytest.raises(PyramidCorrupt, match=r"zarr\.json: missing"):
        whole_level(stored, 0)


def test_a_pyramid_that_is_gone_is_corruption(stored: StoredPyramid) -> None:
    shutil.rmtree(folder_of(stored))
    with pytest.raises(PyramidCorrupt):
        whole_level(stored, 0)
    manifest_of(stored).unlink()
    with pytest.raises(PyramidCorrupt, match="manifest is missing"):
        whole_level(stored, 0)


def test_a_group_without_a_level_of_the_grid_is_corruption(pristine: BuiltPyramid) -> None:
    taller = StoredPyramid(pristine.stored.root, Grid(height=200, width=37))
    with pytest.raises(PyramidCorrupt, match="8/elevation"):
        whole_level(taller, -1)


@pytest.mark.parametrize("kept", [0, 1, 200, -1])
def test_a_torn_manifest_is_corruption(stored: StoredPyramid, kept: int) -> None:
    path = manifest_of(stored)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(PyramidCorrupt, match="manifest is damaged"):
        whole_level(stored, 0)


@pytest.fixture
def pinned(pristine: BuiltPyramid, stored: StoredPyramid) -> StoredPyramid:
    """The same copy for a reader who knows the manifest's hash."""
    return replace(stored, manifest_sha256=pristine.written.manifest_sha256)


def test_a_manifest_that_hides_cells_is_corruption_for_whoever_knows_its_hash(
    stored: StoredPyramid, pinned: StoredPyramid
) -> None:
    manifest = read_manifest(stored.root)
    shard = "0/elevation/c/0/0"
    left = {key: each for key, each in manifest.objects.items() if key != shard}
    manifest_of(stored).write_bytes(Manifest(left, manifest.empty | {shard}).to_json())
    assert (whole_level(stored, 0)[:16, :16] == NODATA).all()  # a manifest is believed where nothing pins it
    with pytest.raises(PyramidCorrupt, match=r"^manifest\.json: .* not the one that was published"):
        whole_level(pinned, 0)


def test_no_flipped_bit_of_the_manifest_is_believed(pinned: StoredPyramid) -> None:
    path = manifest_of(pinned)
    text = path.read_bytes()
    for bit in np.random.default_rng(1).choice(8 * len(text), 200, replace=False):
        path.write_bytes(flip(text, int(bit)))
        with pytest.raises(PyramidCorrupt):
            whole_level(pinned, 0)
    path.write_bytes(text)
    assert (whole_level(pinned, 0)[:8, :8] == NODATA).all()


def test_verification_believes_no_other_manifest_than_reading_does(pinned: StoredPyramid) -> None:
    assert not any(isinstance(found, Flaw) for found in find_damage(pinned.root, pinned.manifest_sha256))
    path = manifest_of(pinned)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(PyramidCorrupt, match="not the one"):
        next(find_damage(pinned.root, pinned.manifest_sha256))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("key", ["zarr.json", "0/zarr.json", "0/elevation/zarr.json"])
def test_damaged_metadata_of_a_node_is_corruption_for_who_reads_it_by_itself(
    stored: StoredPyramid, key: str, damage: Callable[[bytes], bytes]
) -> None:
    path = folder_of(stored) / key
    path.write_bytes(damage(path.read_bytes()))
    store = StrictStore(stored.root, read_manifest(stored.root))
    with pytest.raises(PyramidCorrupt):
        zarr.open_group(store, mode="r", use_consolidated=False)["0"]["elevation"]  # type: ignore[index]


@pytest.mark.parametrize("key", [b"zarr.json", b"0/elevation/c/0/0", b"0/elevation/c/0/2"])
def test_what_the_manifest_does_not_list_is_corruption(stored: StoredPyramid, key: bytes) -> None:
    path = manifest_of(stored)
    path.write_bytes(path.read_bytes().replace(b'"' + key + b'"', b'"' + b"x" * len(key) + b'"'))
    with pytest.raises(PyramidCorrupt):
        whole_level(stored, 0)


def test_what_was_refused_once_is_read_when_it_is_whole_again(stored: StoredPyramid) -> None:
    path = manifest_of(stored)
    text = path.read_bytes()
    path.unlink()
    with pytest.raises(PyramidCorrupt):
        whole_level(stored, 0)
    path.write_bytes(text)
    assert whole_level(stored, 0).shape == (41, 37)


def test_a_disk_that_cannot_be_read_now_is_not_corruption(stored: StoredPyramid) -> None:
    path = folder_of(stored) / "0/elevation/c/0/0"
    path.unlink()
    path.symlink_to(path.name)  # a loop: stands for EIO, EMFILE and the like
    with pytest.raises(StoreFailed, match="symbolic links"):
        whole_level(stored, 0)


def test_a_machine_without_a_free_thread_is_not_corruption(
    stored: StoredPyramid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*work: object) -> None:
        raise RuntimeError("can't start new thread")

    whole_level(stored, 0)
    monkeypatch.setattr("raster.storage.local.asyncio.to_thread", exhausted)
    with pytest.raises(RuntimeError, match="new thread"):
        whole_level(stored, 0)


def test_many_threads_share_one_open_pyramid(pristine: BuiltPyramid) -> None:
    fresh = StoredPyramid(pristine.stored.root, pristine.plan.grid)
    levels = [index % 7 for index in range(28)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda level: whole_level(fresh, level), levels))
    for level, cells in zip(levels, found, strict=True):
        np.testing.assert_array_equal(cells, pristine.level(level))


@pytest.mark.parametrize("level", [7, -8])
def test_a_level_that_is_not_there_is_told(pristine: BuiltPyramid, level: int) -> None:
    with pytest.raises(LevelNotFound):
        pristine.stored.read_window(level, Window(row=0, col=0, height=1, width=1))


@pytest.mark.parametrize(("row", "col", "height", "width"), [(40, 0, 2, 1), (0, 36, 1, 2), (-1, 0, 1, 1)])
def test_a_window_past_the_edge_is_refused(
    pristine: BuiltPyramid, row: int, col: int, height: int, width: int
) -> None:
    with pytest.raises(WindowOutOfBounds):
        pristine.stored.read_window(0, Window(row=row, col=col, height=height, width=width))
