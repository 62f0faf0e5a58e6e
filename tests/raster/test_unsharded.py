"""The view without shards: zarr reads the same cells through it, and of damage it tells."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from oracle import OracleTile
from raster.errors import PyramidCorrupt
from raster.storage.local import LocalRoot
from raster.storage.manifest import StoredPart
from raster.storage.store import read_manifest
from raster.strict_objects import StrictObjects
from raster.unsharded import UnshardedView
from terrains import build, save_mosaic

SHARD, CHUNK = 16, 8


@pytest.fixture
def objects(tmp_path: Path) -> StrictObjects:
    cells = np.random.default_rng(5).integers(0, 99, (45, 70)).astype(np.float32)
    cells[:20, :20] = np.nan
    root = tmp_path / "p.zarr"
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, cells)])
    build(mosaic, "mean", root, shard_cells=SHARD, chunk_cells=CHUNK)
    return StrictObjects(LocalRoot(root), read_manifest(LocalRoot(root)))


def copy_of(objects: StrictObjects) -> zarr.Group:
    """The group that a reader without listing would see, all of it."""
    view, memory = UnshardedView(objects), MemoryStore()

    async def copy() -> None:
        keys = {key for key in objects.manifest.objects if "/c/" not in key}
        rows, cols = -(-45 // CHUNK), -(-70 // CHUNK)
        levels = {key.partition("/")[0] for key in keys if "/" in key}
        for level in levels:
            for name in ("elevation", "count", "sum"):
                keys |= {f"{level}/{name}/c/{row}/{col}" for row in range(rows) for col in range(cols)}
            keys |= {f"{level}/{axis}/c/0" for axis in "yx"} | {f"{level}/spatial_ref/c"}
        for key in keys:
            found = await view.find(key)
            if isinstance(found, StoredPart):
                found = await objects.read(found.stored, found.start, found.start + found.size)
            if found is not None:
                await memory.set(key, zarr.core.buffer.cpu.Buffer.from_bytes(found))

    asyncio.run(copy())
    return zarr.open_group(memory, mode="r")


def test_the_cells_are_those_of_the_shards(objects: StrictObjects) -> None:
    view, stored = copy_of(objects), zarr.open_group(objects.root.url, mode="r")
    names = [name for name, _ in stored.members(max_depth=None)]
    assert sorted(name for name, _ in view.members(max_depth=None)) == sorted(names)
    sharded = 0
    for name in names:
        there = stored[name]
        if isinstance(there, zarr.Array):
            here = view[name]
            assert isinstance(here, zarr.Array)
            assert here.shards is None
            assert here.chunks == there.chunks
            assert here.attrs.asdict() == there.attrs.asdict()
            sharded += there.shards is not None
            np.testing.assert_array_equal(here[...], there[...])
    assert sharded > 3


def test_an_index_that_is_damaged_is_told(objects: StrictObjects) -> None:
    file = Path(objects.root.url) / "0/elevation/c/1/1"
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    file.write_bytes(data)
    with pytest.raises(PyramidCorrupt, match="index"):
        asyncio.run(UnshardedView(objects).find("0/elevation/c/2/3"))


def test_an_index_is_read_once(objects: StrictObjects) -> None:
    view = UnshardedView(objects)

    async def find_twice() -> tuple[object, object]:
        first = await view.find("0/elevation/c/2/3")
        (Path(objects.root.url) / "0/elevation/c/1/1").unlink()
        return first, await view.find("0/elevation/c/2/3")

    first, second = asyncio.run(find_twice())
    assert isinstance(first, StoredPart)
    assert first == second
