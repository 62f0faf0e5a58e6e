"""A build killed again and again, at random moments, comes to the same pyramid and does nothing twice."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import killable
from raster.journal import find_attempts
from raster.storage.local import LocalRoot, LocalStore
from raster.storage.manifest import Manifest
from terrains import build

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("ZIGGURAT_TEST_KILLS", "10"))
SEED = int(os.environ.get("ZIGGURAT_TEST_SEED", "0")) or int(np.random.default_rng().integers(1, 10**6))
"""Printed when a test fails; the same seed kills after the same numbers of objects."""


def run(folder: Path, generation: str, kill_after: int | None) -> list[str]:
    """Build in a process of its own, kill it once it has written so many objects: what it wrote."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, killable.__file__, str(folder), generation]
    written: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            written.append(line.strip())
            if kill_after is not None and len(written) >= kill_after:
                process.kill()
        process.wait()
        assert process.returncode == (0 if kill_after is None else -signal.SIGKILL)
    return written


@pytest.mark.parametrize("metric", ["max", "mean"])
def test_nothing_finished_is_written_again(tmp_path: Path, metric: str) -> None:
    logging.getLogger(__name__).warning("ZIGGURAT_TEST_SEED=%s", SEED)
    moments = np.random.default_rng(SEED)
    planned = killable.save_plan(tmp_path, metric)
    share = planned.task_count // KILLS
    finished: set[str] = set()
    written: set[str] = set()
    for number in range(KILLS + 1):
        kill_after = None if number == KILLS else int(moments.integers(1, share, endpoint=True))
        for key in run(tmp_path, f"g{number:02}", kill_after):
            assert key not in finished, f"{key} was finished and is written again"
            written.add(key)
        attempts = find_attempts(LocalStore(tmp_path / "store"), planned.key(planned.pyramids[0]))
        finished |= {
            each.key for attempt in attempts for stored in attempt.shards.values() for each in stored
        }
    assert len(written) >= planned.task_count
    last = tmp_path / "store" / f"g{KILLS:02}.zarr"
    in_one_go = tmp_path / "other" / "g.zarr"
    build(planned.mosaic, metric, in_one_go, shard_cells=killable.SHARD, chunk_cells=killable.CHUNK)
    assert contents(last) == contents(in_one_go)
    for key in contents(last).objects:
        assert key == "zarr.json" or (last / key).read_bytes() == (in_one_go / key).read_bytes()


def contents(root: Path) -> Manifest:
    """What a pyramid holds, but for the root's metadata, which names the generation."""
    manifest = Manifest.from_json(LocalRoot(root).manifest_path.read_bytes())
    kept = {key: stored for key, stored in manifest.objects.items() if key != "zarr.json"}
    return Manifest(kept, manifest.empty)
