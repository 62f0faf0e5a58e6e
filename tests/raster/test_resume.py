"""A build takes over the whole shards of one that was killed, and makes only what is missing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from oracle import OracleTile
from raster.journal import Attempt, find_abandoned, find_attempts
from raster.pyramid import BuildPlan
from raster.scheduling import ThreadScheduler
from raster.storage.local import LocalRoot, LocalStore
from raster.storage.manifest import Manifest
from raster.writing import Destination, WrittenPyramid, write_pyramids
from terrains import METRICS, plan, save_mosaic

SIZE, SHARD, CHUNK = 100, 16, 8


class Killed(Exception):
    """What a progress callback ends a build with."""


def planned(folder: Path, metric: str, generation: str = "g") -> BuildPlan:
    """The same terrain each time: noise with nodata, and a hole without tiles."""
    rng = np.random.default_rng(5)
    cells = rng.integers(-100, 100, (SIZE, SIZE)).astype(np.int16)
    laid = [OracleTile(0, 0, cells[:, :40], nodata=7), OracleTile(0, 65, cells[:, 65:], nodata=7)]
    folder.mkdir(exist_ok=True)
    return plan(save_mosaic(folder, laid), metric, generation, shard_cells=SHARD, chunk_cells=CHUNK)


def write(
    build: BuildPlan, root: Path, earlier: list[Attempt], *, stop_after: int | None = None
) -> tuple[WrittenPyramid, list[tuple[int, int]]]:
    """Build, or end after some tasks."""
    seen: list[tuple[int, int]] = []

    def on_shard(done: int, total: int) -> None:
        seen.append((done, total))
        if stop_after is not None and len(seen) >= stop_after:
            raise Killed

    destination = Destination(root=LocalRoot(root), earlier=earlier)
    (written,) = write_pyramids(build, [destination], ThreadScheduler(2), on_shard)
    return written, seen


def attempts(build: BuildPlan, store: Path) -> list[Attempt]:
    """Earlier attempts at this build."""
    return find_attempts(LocalStore(store), build.key(build.pyramids[0]))


def cells_of(root: Path) -> dict[str, bytes]:
    """Every object but the root's metadata, which names the generation."""
    manifest = Manifest.from_json(LocalRoot(root).manifest_path.read_bytes())
    return {key: (root / key).read_bytes() for key in manifest.objects if key != "zarr.json"}


@pytest.mark.parametrize("metric", METRICS.names)
@pytest.mark.parametrize("stop_after", [1, 30, 50, 60])
def test_what_was_finished_is_not_made_again(tmp_path: Path, metric: str, stop_after: int) -> None:
    store = tmp_path / "store"
    build = planned(tmp_path / "tile", metric)
    whole, all_tasks = write(build, store / "g1.zarr", [])
    LocalRoot(store / "g1.zarr").forget_log()
    with pytest.raises(Killed):
        write(build, store / "g2.zarr", [], stop_after=stop_after)
    (attempt,) = (each for each in attempts(build, store) if each.root.name == "g2.zarr")
    resumed, tasks = write(build, store / "g3.zarr", [attempt])
    assert cells_of(store / "g3.zarr") == cells_of(store / "g1.zarr")
    assert resumed.shards_taken_over == len(attempt.shards)
    assert whole.shards_taken_over == 0
    assert tasks[-1] == all_tasks[-1] == (build.task_count, build.task_count)
    # tasks that load what is finished are few: never more than what is missing needs below it
    assert len(tasks) < len(all_tasks) or stop_after == 1


def test_no_finished_shard_is_written_again(tmp_path: Path) -> None:
    store = tmp_path / "store"
    build = planned(tmp_path / "tile", "max")
    with pytest.raises(Killed):
        write(build, store / "g1.zarr", [], stop_after=40)
    (attempt,) = attempts(build, store)
    write(build, store / "g2.zarr", [attempt])
    for stored in (each for shard in attempt.shards.values() for each in shard):
        assert (store / "g1.zarr" / stored.key).samefile(store / "g2.zarr" / stored.key)


@pytest.mark.parametrize("damage", ["gone", "short", "flipped", "empty"])
def test_damaged_shards_are_made_again(tmp_path: Path, damage: str) -> None:
    store = tmp_path / "store"
    build = planned(tmp_path / "tile", "mean")
    write(build, store / "g1.zarr", [])
    LocalRoot(store / "g1.zarr").forget_log()
    with pytest.raises(Killed):
        write(build, store / "g2.zarr", [], stop_after=45)
    (attempt,) = attempts(build, store)
    damaged = [shard for shard, stored in attempt.shards.items() if stored][::3]
    for shard in damaged:
        path = store / "g2.zarr" / attempt.shards[shard][0].key
        data = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            changed = {"short": data[:-1], "flipped": bytes([data[0] ^ 1]) + data[1:], "empty": b""}
            path.write_bytes(changed[damage])
    resumed, _ = write(build, store / "g3.zarr", [attempt])
    assert resumed.shards_taken_over == len(attempt.shards) - len(damaged)
    assert cells_of(store / "g3.zarr") == cells_of(store / "g1.zarr")


def test_a_journal_s_last_line_may_be_cut_off(tmp_path: Path) -> None:
    store = tmp_path / "store"
    build = planned(tmp_path / "tile", "max")
    with pytest.raises(Killed):
        write(build, store / "g1.zarr", [], stop_after=20)
    journal = store / "g1.journal"
    finished = len(journal.read_text().splitlines()) - 1
    journal.write_bytes(journal.read_bytes()[:-9])
    (attempt,) = attempts(build, store)
    assert len(attempt.shards) == finished - 1
    write(build, store / "g2.zarr", [attempt])


def test_another_build_s_shards_are_no_use(tmp_path: Path) -> None:
    store = tmp_path / "store"
    build = planned(tmp_path / "tile", "max")
    with pytest.raises(Killed):
        write(build, store / "g1.zarr", [], stop_after=20)
    assert attempts(build, store)
    assert not attempts(planned(tmp_path / "tile", "min"), store)
    np.save(tmp_path / "tile" / "0.npy", np.zeros((SIZE, 40), np.int16))
    changed = save_mosaic(tmp_path / "tile", [OracleTile(0, 0, np.zeros((SIZE, SIZE), np.int16))])
    assert not attempts(plan(changed, "max", "g", shard_cells=SHARD, chunk_cells=CHUNK), store)


def test_a_killed_writer_s_attempt_is_abandoned_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    store = tmp_path / "store"
    code = f"""
import sys, time
sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("resume", {__file__!r})
module = module_from_spec(spec); spec.loader.exec_module(module)
from pathlib import Path
build = module.planned(Path({str(tmp_path / "tile")!r}), "max")
from raster.writing import Destination, write_pyramids
from raster.scheduling import ThreadScheduler
from raster.storage.local import LocalRoot
def on_shard(done, total):
    print(done, flush=True)
    time.sleep(0.01)
root = LocalRoot(Path({str(store / "g1.zarr")!r}))
write_pyramids(build, [Destination(root=root)], ThreadScheduler(1), on_shard)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        while writer.stdout.readline().strip() != "20":
            assert writer.poll() is None
        assert not list(find_abandoned(LocalStore(store), older_than_s=0))
        writer.send_signal(signal.SIGKILL)
    assert list(find_abandoned(LocalStore(store), older_than_s=0)) == [LocalRoot(store / "g1.zarr")]
    header = json.loads((store / "g1.journal").read_text().splitlines()[0])
    (attempt,) = find_attempts(LocalStore(store), header["build"])
    assert attempt.root == LocalRoot(store / "g1.zarr")
    assert len(attempt.shards) >= 20
