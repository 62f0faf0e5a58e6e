"""Pyramids against brute force: every cell of every level, whatever the terrain and however it is cut."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import OracleTile, paint
from raster.cells import SOURCE_DTYPES
from raster.errors import SourceChanged, SourceNotFound, StoreFailed
from raster.scheduling import ThreadScheduler
from raster.storage.local import LocalRoot
from raster.storage.store import read_manifest
from raster.writing import Destination, write_pyramids
from terrains import METRICS, UTM, assert_equals_oracle, build, plan, save_mosaic

pytestmark = pytest.mark.long

GOLDEN = np.array(
    [
        [1, 41, 37, 12, 0, 66, 36],
        [3, 62, 23, 7, 2, 31, 21],
        [87, 12, 34, 32, 34, 7, 12],
        [5, 3, 13, 74, 53, 15, 1],
        [15, 0, 17, 41, 59, 21, 0],
    ],
    dtype=np.int16,
)


def some_cells(rng: np.random.Generator, dtype: np.dtype, height: int, width: int) -> np.ndarray:
    """Cells that crowd around zero and the ends of the dtype, so that sentinels and ties are met."""
    if dtype.kind == "f":
        return rng.normal(0, 1000, (height, width)).astype(dtype)
    info = np.iinfo(dtype)
    near = rng.integers(max(info.min, -5), 6, (height, width))
    ends = rng.choice([info.min, info.min + 1, info.max - 1, info.max], (height, width))
    return np.where(rng.random((height, width)) < 0.8, near, ends).astype(dtype)


@st.composite
def tiles(draw: st.DrawFn) -> list[OracleTile]:
    """Up to six tiles of any dtypes, overlapping or apart, with and without sentinels."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    reach = draw(st.sampled_from([0, 3, 40]))
    laid = []
    for _ in range(draw(st.integers(1, 6))):
        dtype = np.dtype(draw(st.sampled_from(SOURCE_DTYPES)))
        cells = some_cells(rng, dtype, draw(st.integers(1, 35)), draw(st.integers(1, 35)))
        nodata = None
        if draw(st.booleans()):
            nodata = float("nan") if dtype.kind == "f" and draw(st.booleans()) else cells.flat[0].item()
            cells[rng.random(cells.shape) < draw(st.sampled_from([0.0, 0.4, 1.0]))] = nodata
        if dtype.kind == "f" and draw(st.booleans()):
            cells[rng.random(cells.shape) < 0.2] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        row, col = draw(st.integers(-reach, reach)), draw(st.integers(-reach, reach))
        laid.append(OracleTile(row, col, cells, nodata))
    return laid


@settings(max_examples=20)
@given(
    tiles(),
    st.permutations(METRICS.names),
    st.sampled_from([(8, 4), (16, 16), (32, 8), (128, 32)]),
    st.integers(1, 3),
)
def test_every_level_equals_the_metric_of_the_native_cells(
    laid: list[OracleTile], metrics: list[str], cut: tuple[int, int], workers: int
) -> None:
    # three metrics an example: each metric's algebra has property tests of its own, without Zarr
    native = paint(laid)
    with tempfile.TemporaryDirectory() as folder:
        mosaic = save_mosaic(Path(folder), laid)
        for metric in metrics[:3]:
            root = Path(folder) / f"{metric}.zarr"
            built = build(mosaic, metric, root, shard_cells=cut[0], chunk_cells=cut[1], workers=workers)
            assert_equals_oracle(built, native, metric)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (1, 130), (67, 1), (2, 2), (63, 65), (64, 64), (17, 31), (127, 3), (33, 129)]
)
@pytest.mark.parametrize("metric", METRICS.names)
def test_awkward_sizes_keep_every_cell(tmp_path: Path, shape: tuple[int, int], metric: str) -> None:
    cells = np.random.default_rng(7).integers(-500, 4000, shape).astype(np.int16)
    cells[-1, -1] = 9999
    laid = [OracleTile(0, 0, cells)]
    built = build(save_mosaic(tmp_path, laid), metric, tmp_path / "p.zarr", shard_cells=16, chunk_cells=8)
    assert_equals_oracle(built, paint(laid), metric)


def test_the_golden_table_zooms_out_as_documented(tmp_path: Path) -> None:
    laid = [OracleTile(0, 0, GOLDEN[:, :4]), OracleTile(0, 4, GOLDEN[:, 4:])]
    built = build(save_mosaic(tmp_path, laid), "max", tmp_path / "p.zarr")
    assert [built.level(level).tolist() for level in range(4)] == [
        GOLDEN.tolist(),
        [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]],
        [[87, 66], [41, 59]],
        [[87]],
    ]


def test_a_mean_is_not_a_mean_of_means(tmp_path: Path) -> None:
    cells = np.zeros((5, 5), np.float32)
    cells[4, :] = 1000
    built = build(save_mosaic(tmp_path, [OracleTile(0, 0, cells)]), "mean", tmp_path / "p.zarr")
    assert built.level(-1).tolist() == [[200.0]]


def test_the_parts_of_a_mean_are_stored_beside_it(tmp_path: Path) -> None:
    laid = [OracleTile(0, 0, GOLDEN, nodata=0)]
    built = build(save_mosaic(tmp_path, laid), "mean", tmp_path / "p.zarr", shard_cells=4, chunk_cells=2)
    native = paint(laid)
    tree = xarray.open_datatree(str(built.path), engine="zarr", mask_and_scale=False)
    assert list(tree["0"].data_vars) == ["elevation"]
    for level in (1, 2, 3):
        parts = tree[str(level)]
        np.testing.assert_array_equal(parts["count"], native.count(level))
        np.testing.assert_allclose(parts["sum"], native.mean(level)[0] * native.count(level), rtol=1e-12)
        assert parts["sum"].dtype == np.int64


def test_shards_without_data_are_listed_as_empty_and_not_stored(tmp_path: Path) -> None:
    laid = [
        OracleTile(0, 0, np.full((8, 8), 5, np.int16)),
        OracleTile(40, 40, np.full((8, 8), 9, np.int16)),
    ]
    built = build(save_mosaic(tmp_path, laid), "max", tmp_path / "p.zarr", shard_cells=8, chunk_cells=4)
    manifest = read_manifest(built.stored.root)
    on_disk = {path.relative_to(built.path).as_posix() for path in built.path.rglob("*") if path.is_file()}
    assert on_disk == set(manifest.objects)
    assert {key for key in manifest.objects if key.startswith("0/elevation/c/")} == {
        "0/elevation/c/0/0",
        "0/elevation/c/5/5",
    }
    assert len([key for key in manifest.empty if key.startswith("0/")]) == 34
    assert_equals_oracle(built, paint(laid), "max")


def test_only_shards_with_tiles_get_a_task(tmp_path: Path) -> None:
    laid = [OracleTile(0, 0, GOLDEN), OracleTile(10**6, 10**6, GOLDEN)]
    planned = build(save_mosaic(tmp_path, laid), "max", tmp_path / "p.zarr").plan
    assert planned.grid.cell_count > 10**12 // 2
    assert planned.task_count < 25


def test_the_group_appears_only_when_all_is_written(tmp_path: Path) -> None:
    mosaic = save_mosaic(
        tmp_path, [OracleTile(0, 0, np.zeros((64, 64), np.int16)), OracleTile(64, 0, GOLDEN)]
    )
    (tmp_path / "1.npy").unlink()
    with pytest.raises(SourceNotFound, match=r"1\.npy"):
        build(mosaic, "max", tmp_path / "p.zarr", shard_cells=16, chunk_cells=8)
    assert not (tmp_path / "p.zarr" / "zarr.json").exists()
    assert not (tmp_path / "p.manifest.json").exists()


def test_a_source_that_changed_since_registration_is_not_read(tmp_path: Path) -> None:
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, GOLDEN)])
    np.save(tmp_path / "0.npy", GOLDEN.T)
    with pytest.raises(SourceChanged, match="register it again"):
        build(mosaic, "max", tmp_path / "p.zarr")


def test_a_place_that_is_taken_is_never_written_to(tmp_path: Path) -> None:
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, GOLDEN)])
    build(mosaic, "max", tmp_path / "p.zarr")
    with pytest.raises(StoreFailed, match="exists"):
        build(mosaic, "max", tmp_path / "p.zarr")


def test_progress_counts_every_task_once(tmp_path: Path) -> None:
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, np.ones((70, 70), np.int16))])
    planned = plan(mosaic, "max", "p", shard_cells=8, chunk_cells=8)
    seen: list[tuple[int, int]] = []
    write_pyramids(
        planned,
        [Destination(root=LocalRoot(tmp_path / "p.zarr"))],
        ThreadScheduler(2),
        lambda *at: seen.append(at),
    )
    total = planned.task_count
    assert total == 81 + 25 + 9 + 4 + 1
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_equal_builds_store_equal_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    mosaic = save_mosaic(tmp_path, [OracleTile(0, 0, rng.normal(size=(70, 70)).astype("f4"))], transform=UTM)
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    one = build(mosaic, "mean", tmp_path / "1" / "p.zarr", shard_cells=16, chunk_cells=8, workers=1)
    two = build(mosaic, "mean", tmp_path / "2" / "p.zarr", shard_cells=16, chunk_cells=8, workers=3)
    assert one.written == two.written
    document = json.loads((tmp_path / "1" / "p.manifest.json").read_text())
    assert document["manifest"] == 1
