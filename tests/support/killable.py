"""A build as a program, for tests that kill it: `python killable.py FOLDER GENERATION`.

Prints a line for each object of cells it writes, before it does.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from oracle import OracleTile
from raster.journal import find_attempts
from raster.pyramid import BuildPlan
from raster.scheduling import ThreadScheduler
from raster.storage.local import LocalFolder, LocalStore
from raster.storage.manifest import StoredObject
from raster.writing import Destination, write_pyramids
from terrains import plan, save_mosaic

SIZE, SHARD, CHUNK = 700, 32, 16

Put = Callable[..., StoredObject]


def save_plan(folder: Path, metric: str) -> BuildPlan:
    """Noise with nodata, and a hole without tiles; every run of the program builds this plan."""
    cells = np.random.default_rng(5).integers(-100, 100, (SIZE, SIZE)).astype(np.int16)
    laid = [OracleTile(0, 0, cells[:, :300], nodata=7), OracleTile(0, 410, cells[:, 410:], nodata=7)]
    (folder / "tile").mkdir()
    saved = plan(save_mosaic(folder / "tile", laid), metric, "g", shard_cells=SHARD, chunk_cells=CHUNK)
    (folder / "plan.pickle").write_bytes(pickle.dumps(saved))
    return saved


def tell_and_put(folder: LocalFolder, key: str, *pieces: bytes, put: Put = LocalFolder.put) -> StoredObject:
    """Tell what is written, and write it."""
    if "/c/" in key:
        sys.stdout.write(f"{key}\n")  # in one piece: two threads write
        sys.stdout.flush()
    return put(folder, key, *pieces)


def main(folder: Path, generation: str) -> None:
    """Build, taking over what earlier attempts finished."""
    LocalFolder.put = tell_and_put  # type: ignore[assignment,method-assign]
    build: BuildPlan = pickle.loads((folder / "plan.pickle").read_bytes())
    store = LocalStore(folder / "store")
    earlier = find_attempts(store, build.key(build.pyramids[0]))
    destination = Destination(root=store.root(f"{generation}.zarr"), earlier=earlier)
    write_pyramids(build, [destination], ThreadScheduler(2), lambda done, total: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
