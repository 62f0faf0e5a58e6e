"""The same cells wherever the tasks run: on threads, on the workers of a cluster, with one of them killed."""

from __future__ import annotations

import os
import signal
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from dask.delayed import Delayed
from distributed import Client, LocalCluster

from oracle import OracleTile
from raster.budget import WAITING_SHARDS
from raster.errors import ClusterUnavailable, SourceNotFound
from raster.pyramid import BuildPlan
from raster.quadtree import Reduced, ShardTasks
from raster.scheduling import ClusterScheduler, Scheduler, ThreadScheduler
from raster.shards import Shard
from raster.storage.local import LocalRoot
from raster.storage.manifest import Manifest
from raster.tiles import PlacedTile
from raster.writing import Destination, write_pyramids
from terrains import UTM, plan, save_mosaic


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes of one thread each."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:
        yield cluster


def planned(folder: Path) -> BuildPlan:
    rng = np.random.default_rng(5)
    cells = rng.integers(-100, 100, (90, 110)).astype(np.int16)
    laid = [OracleTile(0, 0, cells[:, :50]), OracleTile(0, 70, cells[:, 70:])]
    folder.mkdir(exist_ok=True)
    mosaic = save_mosaic(folder, laid, transform=UTM, crs="EPSG:32633")
    return plan(mosaic, "mean", "g", shard_cells=16, chunk_cells=8)


def build(plan: BuildPlan, root: Path, scheduler: Scheduler) -> Manifest:
    seen: list[tuple[int, int]] = []
    write_pyramids(plan, [Destination(root=LocalRoot(root))], scheduler, lambda *at: seen.append(at))
    assert seen[-1] == (plan.task_count, plan.task_count)
    assert [done for done, _ in seen] == list(range(1, plan.task_count + 1))
    return Manifest.from_json(LocalRoot(root).manifest_path.read_bytes())


def test_a_cluster_stores_what_threads_store(tmp_path: Path, cluster: LocalCluster) -> None:
    plan = planned(tmp_path / "tile")
    by_threads = build(plan, tmp_path / "threads" / "g.zarr", ThreadScheduler(2))
    by_cluster = build(plan, tmp_path / "cluster" / "g.zarr", ClusterScheduler(cluster.scheduler_address))
    assert by_cluster == by_threads


def test_a_worker_that_is_killed_changes_nothing(tmp_path: Path, cluster: LocalCluster) -> None:
    plan = planned(tmp_path / "tile")
    by_threads = build(plan, tmp_path / "threads" / "g.zarr", ThreadScheduler(2))
    killed: list[int] = []

    def on_shard(done: int, total: int) -> None:
        if done == total // 3 and not killed:
            with Client(cluster, set_as_default=False) as client:
                pids = client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    root = tmp_path / "cluster" / "g.zarr"
    write_pyramids(
        plan, [Destination(root=LocalRoot(root))], ClusterScheduler(cluster.scheduler_address), on_shard
    )
    assert killed
    assert Manifest.from_json(LocalRoot(root).manifest_path.read_bytes()) == by_threads
    for key, stored in by_threads.objects.items():
        assert (root / key).stat().st_size == stored.size
    leftovers = [path for path in root.rglob("*") if path.is_file() and path.suffix == ".partial"]
    assert len(leftovers) <= 1


def test_an_error_on_a_worker_is_the_same_error(tmp_path: Path, cluster: LocalCluster) -> None:
    plan = planned(tmp_path / "tile")
    (tmp_path / "tile" / "1.npy").unlink()
    with pytest.raises(SourceNotFound, match=r"1\.npy"):
        build(plan, tmp_path / "g.zarr", ClusterScheduler(cluster.scheduler_address))


def test_a_build_that_is_given_up_stops(tmp_path: Path, cluster: LocalCluster) -> None:
    class GivenUp(Exception):
        pass

    def give_up(done: int, total: int) -> None:
        raise GivenUp

    plan = planned(tmp_path / "tile")
    schedulers: list[Scheduler] = [ThreadScheduler(2), ClusterScheduler(cluster.scheduler_address)]
    for number, scheduler in enumerate(schedulers):
        with pytest.raises(GivenUp):
            write_pyramids(
                plan, [Destination(root=LocalRoot(tmp_path / f"{number}.zarr"))], scheduler, give_up
            )


def test_no_cluster_is_an_error_that_names_the_address(tmp_path: Path) -> None:
    plan = planned(tmp_path / "tile")
    with pytest.raises(ClusterUnavailable, match=r"127\.0\.0\.1:9"):
        build(plan, tmp_path / "g.zarr", ClusterScheduler("tcp://127.0.0.1:9"))


def test_waves_of_any_depth_store_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(tmp_path / "tile")
    whole = build(plan, tmp_path / "whole" / "g.zarr", ThreadScheduler(2))
    for levels in (0, 1, 2):
        monkeypatch.setattr("raster.scheduling.WAVE_LEVELS", levels)
        assert build(plan, tmp_path / str(levels) / "g.zarr", ThreadScheduler(3)) == whole


class _ById(weakref.ref[Reduced]):
    """A reference that is compared by itself: what it refers to cannot be."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


@pytest.mark.parametrize("leaves", [8, 16, 32])
def test_what_is_in_flight_does_not_grow_with_the_terrain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves: int
) -> None:
    side, workers = 8 * leaves, 2
    cells = np.arange(side * side, dtype=np.int32).reshape(side, side)
    planned = plan(save_mosaic(tmp_path, [OracleTile(0, 0, cells)]), "max", "g", shard_cells=8, chunk_cells=8)
    graphs: list[int] = []
    compute = ThreadScheduler._compute

    def count(scheduler: ThreadScheduler, graph: Delayed) -> Reduced:
        graphs.append(len(graph.__dask_graph__()))
        return compute(scheduler, graph)

    monkeypatch.setattr(ThreadScheduler, "_compute", count)
    waiting: list[int] = []
    alive: set[weakref.ref[Reduced]] = set()
    run = ShardTasks.run

    def run_and_note(
        tasks: ShardTasks, shard: Shard, tiles: Sequence[PlacedTile], *children: Reduced
    ) -> Reduced:
        reduced = run(tasks, shard, tiles, *children)
        alive.add(_ById(reduced, alive.discard))
        return reduced

    def on_shard(done: int, total: int) -> None:
        waiting.append(len(alive))

    monkeypatch.setattr(ShardTasks, "run", run_and_note)
    write_pyramids(
        planned, [Destination(root=LocalRoot(tmp_path / "g.zarr"))], ThreadScheduler(workers), on_shard
    )
    assert max(graphs) <= 341 + 1  # 4^4 leaves and what is above them, and the work on a shard itself
    # three wait at each level for their sister, each worker is handed four and makes one, and what it was
    # handed is let go when Dask comes to it
    assert max(waiting) <= WAITING_SHARDS * planned.tree.root.level + 5 * workers
