"""Verifying: what is whole and right passes, what is damaged or wrong is named, and nothing is missed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import zarr
from sqlalchemy import update

from catalog.models import Generation
from catalog.repository import pyramids, terrains
from installations import Installation, make_installation
from raster.errors import PyramidCorrupt, SourceChanged
from raster.storage.local import LocalRoot
from raster.storage.manifest import Manifest, StoredObject
from raster.storage.store import read_manifest
from service.builds import build_pyramids
from service.creation import TerrainOrder, create_terrain
from service.errors import PyramidNotBuilt
from service.house import House
from service.levels import LevelReader
from service.open_pyramids import OpenPyramids
from service.registration import register_tiles
from service.tile_orders import TileOrder
from service.verification import Thoroughness, Verdict, verify_pyramids
from service.windows import WindowAsked

SIZE = 300
LEVELS = 10
SOME = Thoroughness(windows=4, cell_budget=2**24, seed=1)


def ignore(done: int, total: int) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """On a file: these tests are about cells, and take long."""
    return make_installation(tmp_path)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    """A terrain of one tile and a gap, its max and mean built."""
    rng = np.random.default_rng(2)
    np.save(installation.tiles / "a.npy", rng.integers(-50, 50, (SIZE, SIZE)).astype(np.int16))
    np.save(installation.tiles / "b.npy", rng.integers(-50, 50, (10, 10)).astype(np.int16))
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps"))
        orders = [TileOrder(url="a.npy", x=0, y=0), TileOrder(url="b.npy", x=SIZE + 100, y=5)]
        register_tiles(house, "alps", orders)
        build_pyramids(house, "alps", ["max", "mean"], ignore)
        yield house


def root_of(house: House, metric: str) -> LocalRoot:
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, "alps")
        pyramid = pyramids.find_pyramid(session, terrain.id, metric)
    assert pyramid is not None
    assert pyramid.generation is not None
    return LocalRoot(Path(house.pyramid_root(pyramid.generation.href).url))


def is_corrupt(house: House, metric: str) -> bool:
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, "alps")
        pyramid = pyramids.find_pyramid(session, terrain.id, metric)
    assert pyramid is not None
    return pyramid.corrupt


def verify(house: House, metric: str, thoroughness: Thoroughness = SOME) -> Verdict:
    (verdict,) = verify_pyramids(house, "alps", [metric], thoroughness, ignore)
    return verdict


def test_a_sound_pyramid_passes_and_the_answer_says_what_was_covered(house: House) -> None:
    verdicts = verify_pyramids(house, "alps", [], SOME, ignore)
    assert [verdict.metric for verdict in verdicts] == ["max", "mean"]
    for verdict in verdicts:
        assert verdict.flaws == []
        assert [level.level for level in verdict.coverage] == list(range(LEVELS))
        assert all(level.from_sources == SOME.windows for level in verdict.coverage)
        assert not is_corrupt(house, verdict.metric)


def test_beyond_the_budget_the_level_below_serves(house: House) -> None:
    verdict = verify(house, "mean", replace(SOME, cell_budget=1))
    assert verdict.flaws == []
    below = {level.level: level.from_below for level in verdict.coverage}
    assert all(below[level] == SOME.windows for level in range(1, LEVELS))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("missing", "missing"),
        ("short", "bytes where"),
        ("flipped", "its checksum is another one"),
        ("empty", "0 bytes where"),
    ],
)
def test_every_damaged_object_is_found(house: House, damage: str, told: str) -> None:
    root = root_of(house, "mean")
    for key, stored in list(read_manifest(root).objects.items())[::7]:
        path = root.path / key
        data = path.read_bytes()
        path.unlink()
        if damage != "missing":
            bad = {"short": data[:-1], "flipped": data[:-1] + bytes([data[-1] ^ 8]), "empty": b""}[damage]
            path.write_bytes(bad)
        verdict = verify(house, "mean")
        (flaw,) = verdict.flaws
        assert (flaw.where, told in flaw.what) == (stored.key, True)
        assert verdict.coverage == []
        path.write_bytes(data)
    assert is_corrupt(house, "mean")
    assert not is_corrupt(house, "max")


def test_a_file_that_nobody_listed_is_found(house: House) -> None:
    stray = root_of(house, "max").path / "1" / "elevation" / "c" / "9"
    stray.write_bytes(b"who put this here")
    assert [flaw.where for flaw in verify(house, "max").flaws] == ["1/elevation/c/9"]


def test_another_manifest_is_found(house: House) -> None:
    path = root_of(house, "max").manifest_path
    path.write_bytes(path.read_bytes() + b" ")
    assert [flaw.where for flaw in verify(house, "max").flaws] == ["manifest.json"]
    path.write_bytes(b"{")
    assert {flaw.where for flaw in verify(house, "max").flaws} == {"manifest.json"}


@pytest.mark.parametrize(("level", "array"), [(0, "elevation"), (1, "count"), (5, "sum"), (9, "elevation")])
def test_wrong_cells_in_whole_objects_are_found(house: House, level: int, array: str) -> None:
    root = root_of(house, "mean")
    stored = zarr.open_group(root.url, mode="r+")[f"{level}/{array}"]
    assert isinstance(stored, zarr.Array)
    stored[:] = np.asarray(stored[:]) + 1
    # as if the bytes had been written so: the strict reader and the checksums see nothing wrong
    reseal(house, root)
    verdict = verify(house, "mean", replace(SOME, windows=20))
    assert {flaw.where.split()[0] for flaw in verdict.flaws} >= {f"{level}/{array}"}
    assert is_corrupt(house, "mean")


def reseal(house: House, root: LocalRoot) -> None:
    """Make the manifest and the catalogue believe what is on the disk."""
    manifest = read_manifest(root)
    objects = {
        key: StoredObject(key, len(data), zlib.crc32(data))
        for key in manifest.objects
        for data in [(root.path / key).read_bytes()]
    }
    text = replace(manifest, objects=objects).to_json()
    root.manifest_path.write_bytes(text)
    with house.database.write() as session:
        session.execute(
            update(Generation)
            .where(Generation.id == root.generation)
            .values(manifest_sha256=sha256(text).hexdigest())
        )


def test_a_stale_pyramid_is_read_and_not_recomputed(house: House, installation: Installation) -> None:
    np.save(installation.tiles / "c.npy", np.ones((3, 3), np.int16))
    register_tiles(house, "alps", [TileOrder(url="c.npy", x=0, y=0)])
    verdict = verify(house, "max")
    assert verdict.is_stale
    assert verdict.flaws == []
    assert verdict.coverage == []
    assert verdict.object_count > 10


def test_a_changed_source_is_said_and_is_no_flaw_of_the_pyramid(
    house: House, installation: Installation
) -> None:
    np.save(installation.tiles / "a.npy", np.ones((3, 3), np.int16))
    with pytest.raises(SourceChanged, match=r"a\.npy"):
        verify(house, "max")
    assert not is_corrupt(house, "max")


def test_what_is_not_built_is_an_error(house: House) -> None:
    with pytest.raises(PyramidNotBuilt, match=r"'alps' has no stored pyramid of count.*ziggurat build"):
        verify(house, "count")


def test_the_command_exits_with_one_when_something_is_wrong(house: House, installation: Installation) -> None:
    assert installation.run("verify", "alps").code == 0
    (root_of(house, "max").path / "0" / "elevation" / "c" / "0" / "0").unlink()
    said = installation.run("verify", "alps", "--json")
    assert said.code == 1
    assert [len(each["flaws"]) for each in said.document["pyramids"]] == [1, 0]
    assert installation.run("build", "alps").code == 0
    assert installation.run("verify", "alps").code == 0


def test_a_manifest_that_hides_cells_is_damage_to_readers_too(house: House) -> None:
    root = root_of(house, "max")
    manifest = read_manifest(root)
    shard = next(key for key in manifest.objects if key.startswith("0/elevation/c/"))
    left = {key: stored for key, stored in manifest.objects.items() if key != shard}
    root.manifest_path.write_bytes(Manifest(left, manifest.empty | {shard}).to_json())
    reader = LevelReader(house, OpenPyramids(house))
    everything = WindowAsked(level=-1)
    resolved = reader.locate("alps", "max", everything).resolved
    assert resolved is not None
    with pytest.raises(PyramidCorrupt, match="not the one that was published"):
        reader.read(resolved)
    assert is_corrupt(house, "max")
