"""A pyramid as a DataTree: from a disk, a bucket and HTTP the same, lazy, with CRS and nodata, and strict."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401 - gives arrays their `rio`
import xarray

from oracle import NativeCells, OracleTile, paint
from raster.datatree import open_pyramid
from raster.errors import LevelNotFound, PyramidCorrupt, PyramidNotFound
from raster.storage.bucket import Bucket
from raster.storage.s3 import S3Store
from static_files import serving
from terrains import UTM, build, save_mosaic

SHARD, CHUNK = 16, 8
LEVELS = 8


def tile() -> OracleTile:
    cells = np.random.default_rng(1).integers(-400, 4000, (45, 70)).astype(np.int16)
    cells[:20, :20] = -9999
    return OracleTile(0, 0, cells, nodata=-9999)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a pyramid, as publishing leaves it."""
    mosaic = save_mosaic(tmp_path, [tile()], transform=UTM, crs="EPSG:32633")
    build(mosaic, "mean", tmp_path / "mean" / "g1.zarr", shard_cells=SHARD, chunk_cells=CHUNK)
    (tmp_path / "mean" / "latest.json").write_text(json.dumps({"generation": "g1", "href": "g1.zarr"}))
    return tmp_path / "mean"


def check(tree: xarray.DataTree) -> None:
    oracle = paint([tile()])
    assert sorted(map(int, tree.children)) == list(range(LEVELS))
    for level in range(LEVELS):
        check_level(tree[str(level)], oracle, level)


def check_level(node: xarray.DataTree | xarray.DataArray, oracle: NativeCells, level: int) -> None:
    assert isinstance(node, xarray.DataTree)
    cells = node["elevation"]
    values, valid = oracle.mean(level)
    np.testing.assert_array_equal(~np.isnan(np.asarray(cells)), valid)
    np.testing.assert_allclose(np.asarray(cells)[valid], values[valid], rtol=1e-6)
    assert cells.rio.crs == "EPSG:32633"
    assert np.isnan(cells.rio.encoded_nodata)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # rioxarray multiplies transforms with *
        assert cells.rio.transform() == UTM @ UTM.scale(2**level)
    assert cells.chunks is not None
    assert max(cells.chunks[0]) == min(SHARD, cells.shape[0])
    assert ("count" in node) == (level > 0)


def test_from_a_disk(folder: Path) -> None:
    for address in (folder, str(folder), folder / "g1.zarr", f"{folder}/g1.zarr/"):
        check(open_pyramid(address))


def test_from_a_bucket(folder: Path, bucket: str) -> None:
    copy_to(S3Store(Bucket(bucket), "terrain/mean/"), folder)
    for address in (f"s3://{bucket}/terrain/mean", f"s3://{bucket}/terrain/mean/g1.zarr"):
        check(open_pyramid(address))


def copy_to(store: S3Store, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            store.replace_file(path.relative_to(folder).as_posix(), path.read_bytes())
    store.close()


def test_from_files_that_are_served(folder: Path) -> None:
    with serving(folder.parent) as address:
        for below in ("mean", "mean/", "mean/g1.zarr"):
            check(open_pyramid(f"{address}/{below}"))


@pytest.mark.parametrize("level", [0, 3, 7, -1, -8])
def test_a_level_alone(folder: Path, level: int) -> None:
    node = open_pyramid(folder, level=level)
    assert node.name == str(level % LEVELS)
    check_level(node, paint([tile()]), level % LEVELS)


SIDE = abs(UTM.a)


@pytest.mark.parametrize(
    ("resolution", "level"),
    [(SIDE / 2, 0), (SIDE, 0), (SIDE * 1.99, 0), (SIDE * 2, 1), (SIDE * 9, 3), (SIDE * 1e6, 7)],
)
def test_the_coarsest_level_that_is_fine_enough(folder: Path, resolution: float, level: int) -> None:
    assert open_pyramid(folder, resolution=resolution).name == str(level)


def test_cells_are_read_when_they_are_needed(folder: Path) -> None:
    tree = open_pyramid(folder)
    for path in (folder / "g1.zarr/0/elevation/c").rglob("*"):
        if path.is_file() and path.parts[-2:] != ("2", "4"):
            path.unlink()
    elevation = tree["0/elevation"]
    assert isinstance(elevation, xarray.DataArray)
    np.testing.assert_array_equal(elevation[40:, 65:], tile().cells[40:, 65:])
    with pytest.raises(PyramidCorrupt):
        elevation.compute()


def test_a_tree_goes_to_other_processes(folder: Path) -> None:
    check(pickle.loads(pickle.dumps(open_pyramid(folder))))


def test_what_is_no_pyramid_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "copy").mkdir()
    (folder / "g1.zarr").rename(tmp_path / "copy" / "g1.zarr")
    for address in ("empty", "nowhere", "copy/g1.zarr"):
        with pytest.raises(PyramidNotFound, match=address):
            open_pyramid(tmp_path / address)
    with serving(tmp_path) as address, pytest.raises(PyramidNotFound, match="nowhere"):
        open_pyramid(f"{address}/nowhere")


def test_levels_that_do_not_exist_and_two_wishes_are_refused(folder: Path) -> None:
    for level in (8, -9):
        with pytest.raises(LevelNotFound):
            open_pyramid(folder, level=level)
    with pytest.raises(ValueError, match="not both"):
        open_pyramid(folder, level=1, resolution=20.0)
