"""Level 0 is taken over from another pyramid of the terrain: the same cells, and no other ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zarr

from oracle import OracleTile, paint
from raster.layout import Description
from raster.mosaic import Mosaic
from raster.pyramid import BuildPlan, plan_pyramids
from raster.scheduling import ThreadScheduler
from raster.siblings import find_level_0
from raster.storage.local import LocalRoot
from raster.storage.manifest import Manifest
from raster.storage.store import read_manifest
from raster.window import StoredPyramid
from raster.writing import Destination, write_pyramids
from terrains import METRICS, BuiltPyramid, assert_equals_oracle, plan, save_mosaic

CUT = {"shard_cells": 16, "chunk_cells": 8}
RAGGED = 45, 37
"""Neither side a multiple of a shard, of a chunk or of two."""

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32"]


def heights(dtype: str, shape: tuple[int, int] = RAGGED) -> list[OracleTile]:
    """Two tiles side by side without gap or nodata; no cell is anywhere near the ends of the dtype."""
    cells = np.random.default_rng(4).integers(1, 120, shape).astype(dtype)
    return [OracleTile(0, 0, cells[:, :20]), OracleTile(0, 20, cells[:, 20:])]


@dataclass(frozen=True)
class Store:
    """A terrain and the folder its pyramids go to."""

    folder: Path
    laid: list[OracleTile]

    @property
    def mosaic(self) -> Mosaic:
        return save_mosaic(self.folder, self.laid)

    def build(self, *metrics: str, taken_from: BuiltPyramid | None = None) -> list[BuiltPyramid]:
        """Pyramids in one pass, level 0 taken over where there is one to take."""
        build = plan_together(self.mosaic, metrics)
        roots = [LocalRoot(self.folder / f"{metric}.zarr") for metric in metrics]
        level_0 = None
        if taken_from is not None:
            level_0 = find_level_0(build.pyramids[0], *pinned(taken_from))
            for index in range(len(self.laid)):
                (self.folder / f"{index}.npy").unlink()  # nobody needs the sources then
        destinations = [Destination(root=root, level_0=level_0) for root in roots]
        written = write_pyramids(build, destinations, ThreadScheduler(2), lambda done, total: None)
        return [
            BuiltPyramid(alone(build, at), each, StoredPyramid(root, build.grid, each.manifest_sha256))
            for at, (root, each) in enumerate(zip(roots, written, strict=True))
        ]


def plan_together(mosaic: Mosaic, metrics: tuple[str, ...]) -> BuildPlan:
    wanted = [
        (
            METRICS.get(name),
            Description(name="test", metric=name, cell_methods="", is_stepwise=False, generation="g"),
        )
        for name in metrics
    ]
    return plan_pyramids(mosaic, wanted, **CUT)


def alone(build: BuildPlan, index: int) -> BuildPlan:
    """The plan as if one of its pyramids were all."""
    return BuildPlan(build.mosaic, build.tree, (build.pyramids[index],))


def pinned(built: BuiltPyramid) -> tuple[LocalRoot, str]:
    return LocalRoot(built.path), built.written.manifest_sha256


def assert_no_cell_is_fill(built: BuiltPyramid) -> None:
    """In what any reader of the Zarr sees, nothing stands for cells that are not there."""
    group = zarr.open_group(str(built.path), mode="r")
    for level in range(built.plan.grid.level_count):
        array = group[f"{level}/elevation"]
        assert isinstance(array, zarr.Array)
        cells = np.asarray(array[:])
        assert cells.shape == built.plan.grid.level(level).shape
        assert not (cells == array.fill_value).any(), level
        assert cells.min() >= 1
        assert cells.max() < 120


@pytest.mark.parametrize("dtype", INTEGERS)
def test_one_after_the_other_have_every_cell_and_no_fill(tmp_path: Path, dtype: str) -> None:
    store = Store(tmp_path, heights(dtype))
    native = paint(store.laid)
    (highest,) = store.build("max")
    (lowest,) = store.build("min", taken_from=highest)
    for built, metric in ((highest, "max"), (lowest, "min")):
        assert built.plan.mosaic.cell_type.nodata is None
        assert_equals_oracle(built, native, metric)
        assert_no_cell_is_fill(built)
    keys = [key for key in read_manifest(lowest.stored.root).objects if key.startswith("0/elevation/c/")]
    assert len(keys) == 9
    for key in keys:
        assert (lowest.path / key).samefile(highest.path / key)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_both_in_one_pass_have_every_cell_and_no_fill(tmp_path: Path, dtype: str) -> None:
    store = Store(tmp_path, heights(dtype))
    native = paint(store.laid)
    for built, metric in zip(store.build("max", "min"), ("max", "min"), strict=True):
        assert_equals_oracle(built, native, metric)
        assert_no_cell_is_fill(built)


@pytest.mark.parametrize("shape", [(1, 1), (1, 21), (33, 1), (17, 17), (16, 33), (32, 32), (31, 65)])
def test_whatever_the_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    cells = np.random.default_rng(6).integers(1, 120, shape).astype(np.int16)
    store = Store(tmp_path, [OracleTile(0, 0, cells)])
    native = paint(store.laid)
    (highest,) = store.build("max")
    (lowest,) = store.build("min", taken_from=highest)
    for built, metric in ((highest, "max"), (lowest, "min")):
        assert_equals_oracle(built, native, metric)
        assert_no_cell_is_fill(built)


def test_cells_that_equal_fill_are_cells_all_the_same(tmp_path: Path) -> None:
    cells = np.full(RAGGED, -32768, np.int16)  # without nodata the lowest height is a height
    cells[-1, -1] = 7
    store = Store(tmp_path, [OracleTile(0, 0, cells)])
    native = paint(store.laid)
    (highest,) = store.build("max")
    assert read_manifest(highest.stored.root).empty
    (lowest,) = store.build("min", taken_from=highest)
    assert_equals_oracle(highest, native, "max")
    assert_equals_oracle(lowest, native, "min")


# What is not taken


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, heights("int16"))


@pytest.fixture
def highest(store: Store) -> BuiltPyramid:
    (built,) = store.build("max")
    return built


def offered(store: Store, metric: str, taken_from: BuiltPyramid, *, is_pinned: bool = True) -> object:
    (pyramid,) = plan(store.mosaic, metric, "g", **CUT).pyramids
    root, digest = pinned(taken_from)
    return find_level_0(pyramid, root, digest if is_pinned else None)


def test_metrics_that_keep_the_cells_may_take_them(store: Store, highest: BuiltPyramid) -> None:
    taken = {metric for metric in METRICS.names if offered(store, metric, highest) is not None}
    assert taken == {"max", "min", "mode"}  # a mean of integers is float32, a sum int64


def test_metrics_whose_level_0_only_looks_the_same_may_not(tmp_path: Path) -> None:
    store = Store(tmp_path, heights("float64"))
    (highest,) = store.build("max")
    taken = {metric for metric in METRICS.names if offered(store, metric, highest) is not None}
    assert taken == {"max", "min", "mean", "sum", "median", "mode"}  # not std and range, float64 as well


def move_a_shard_to_the_empty_ones(root: LocalRoot) -> None:
    manifest = read_manifest(root)
    shard = "0/elevation/c/1/1"
    left = {key: each for key, each in manifest.objects.items() if key != shard}
    root.manifest_path.write_bytes(Manifest(left, manifest.empty | {shard}).to_json())


DAMAGES: dict[str, Callable[[LocalRoot], object]] = {
    "manifest lists a shard as empty": move_a_shard_to_the_empty_ones,
    "manifest torn": lambda root: root.manifest_path.write_bytes(root.manifest_path.read_bytes()[:-9]),
    "manifest gone": lambda root: root.manifest_path.unlink(),
    "metadata gone": lambda root: (root.path / "0/elevation/zarr.json").unlink(),
    "metadata torn": lambda root: (root.path / "0/elevation/zarr.json").write_bytes(b'{"shape"'),
    "metadata of something else": lambda root: (root.path / "0/elevation/zarr.json").write_bytes(b"[]"),
    "manifest of something else": lambda root: root.manifest_path.write_bytes(
        Manifest({}, frozenset()).to_json()
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_pyramid_has_nothing_to_take(
    store: Store, highest: BuiltPyramid, damage: Callable[[LocalRoot], object]
) -> None:
    assert offered(store, "min", highest) is not None
    damage(LocalRoot(highest.path))
    assert offered(store, "min", highest) is None


@pytest.mark.parametrize("damage", list(DAMAGES.values())[1:], ids=list(DAMAGES)[1:])
def test_most_damage_shows_even_where_nobody_knows_the_manifest(
    store: Store, highest: BuiltPyramid, damage: Callable[[LocalRoot], object]
) -> None:
    damage(LocalRoot(highest.path))
    assert offered(store, "min", highest, is_pinned=False) is None


def test_another_cut_has_nothing_to_take(store: Store, highest: BuiltPyramid) -> None:
    for cut in ({"shard_cells": 32, "chunk_cells": 8}, {"shard_cells": 16, "chunk_cells": 16}):
        (pyramid,) = plan(store.mosaic, "min", "g", **cut).pyramids
        assert find_level_0(pyramid, *pinned(highest)) is None
