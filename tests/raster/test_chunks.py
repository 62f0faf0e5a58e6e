"""Chunks read one by one: from a bucket at once, and damage is told, never read as nodata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from oracle import OracleTile
from raster.chunks import ChunkPlace, StoredChunks
from raster.errors import PyramidCorrupt, StoreFailed
from raster.places import Places
from raster.points import Interpolation, read_points
from raster.scheduling import ThreadScheduler
from raster.storage.bucket import Bucket
from raster.storage.local import LocalRoot
from raster.storage.s3 import S3Store
from raster.storage.store import read_manifest
from raster.strict_objects import StrictObjects
from raster.window import StoredPyramid
from raster.writing import Destination, write_pyramids
from s3_server import QUICK, Rule, S3Server
from terrains import BuiltPyramid, build, plan, save_mosaic, value_type

SHARD, CHUNK = 32, 8
CELLS = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
ALL = [ChunkPlace(row, col) for row in range(8) for col in range(8)]


@pytest.fixture
def built(tmp_path: Path) -> BuiltPyramid:
    cells = CELLS.copy()
    cells[:32, :32] = np.nan  # a shard that is not stored
    cells[40:48, 40:48] = np.nan  # a chunk that is not
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, cells)])
    return build(mosaic, "max", tmp_path / "p.zarr", shard_cells=SHARD, chunk_cells=CHUNK)


def test_every_chunk_is_what_zarr_reads(built: BuiltPyramid) -> None:
    whole = built.level(0)
    for place, cells in built.stored.open_chunks(0).read(ALL):
        expected = whole[place.row * 8 : place.row * 8 + 8, place.col * 8 : place.col * 8 + 8]
        is_stored = cells is not None
        assert is_stored == bool((~np.isnan(expected)).any())
        if cells is not None:
            np.testing.assert_array_equal(cells, expected)


@pytest.mark.parametrize("damage", ["flipped", "short", "gone", "index"])
def test_damage_is_told(built: BuiltPyramid, damage: str) -> None:
    path = built.path / "0/elevation/c/1/1"
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        data[-3 if damage == "index" else 100] ^= 255
        path.write_bytes(data[:-1] if damage == "short" else data)
    with pytest.raises(PyramidCorrupt):
        list(built.stored.open_chunks(0).read(ALL))
    # the others are as they were
    assert len(list(built.stored.open_chunks(0).read([place for place in ALL if place.row < 4]))) == 32


def test_a_chunk_that_the_manifest_does_not_know_is_damage(built: BuiltPyramid) -> None:
    root = LocalRoot(built.path)
    manifest = read_manifest(root)
    del manifest.objects["0/elevation/c/1/1"]
    how = built.stored.open_chunks(0).format
    with pytest.raises(PyramidCorrupt, match="does not know this chunk"):
        list(StoredChunks(StrictObjects(root, manifest), "0/elevation", how).read(ALL))
    with pytest.raises(PyramidCorrupt, match="cannot be opened"):
        built.stored.open_chunks(0, "depth")


@pytest.fixture
def in_bucket(bucket: str, tmp_path: Path) -> Iterator[StoredPyramid]:
    """The same cells without gaps in a bucket."""
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, CELLS)])
    planned = plan(mosaic, "max", "g1", shard_cells=SHARD, chunk_cells=CHUNK)
    store = S3Store(Bucket(bucket, QUICK), "pyramids/")
    root = store.root("a/max/g1.zarr")
    write_pyramids(planned, [Destination(root=root)], ThreadScheduler(1), lambda done, total: None)
    yield StoredPyramid(root, planned.grid)
    store.close()


def test_points_of_many_chunks_take_one_request_for_each(
    built: BuiltPyramid, in_bucket: StoredPyramid, s3: S3Server
) -> None:
    chunks = in_bucket.open_chunks(0)
    rows, cols = np.mgrid[0:64:4, 0:64:4] + 0.5
    places = Places(rows.ravel(), cols.ravel())
    cell_type = value_type(built.plan.pyramids[0].reduction.value)
    s3.requests()
    found = read_points(chunks, cell_type, places, Interpolation.NEAREST)
    np.testing.assert_array_equal(found.values, CELLS[::4, ::4].ravel())
    assert found.chunk_count == 64
    assert s3.counts() == {"GET": 64 + 4}  # and the index of each shard
    read_points(chunks, cell_type, places, Interpolation.NEAREST)
    assert s3.counts() == {"GET": 64}


def test_a_bucket_that_fails_is_no_damage(in_bucket: StoredPyramid, s3: S3Server) -> None:
    chunks = in_bucket.open_chunks(0)
    s3.spoil(Rule("503", method="GET", key="elevation"))
    with pytest.raises(StoreFailed):
        list(chunks.read(ALL))
    s3.spoil()
    assert len(list(chunks.read(ALL))) == 64
