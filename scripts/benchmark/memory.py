"""Does a terrain four times as large need more memory?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmark.costs import Cost, run_process
from bootstrap import ENVIRONMENT, ROOT

ZIGGURAT = str(ENVIRONMENT / "bin" / "ziggurat")


def compare_sizes(folder: Path, sizes: list[int], metric: str, dtype: str) -> None:
    """Build terrains of each size in a process of its own, and print what that took."""
    itemsize = {"int16": 2, "float32": 4}[dtype]
    built = {size: _build(folder, size, metric, dtype) for size in sizes}
    costs = {size: cost for size, (cost, _) in built.items()}
    print(f"\nbuild {metric} of {dtype}, {os.cpu_count()} cores, one fresh process each")
    print(
        f"{'cells a side':>12} {'level 0':>10} {'wall':>9} {'CPU':>9} {'cells/s':>10} {'peak memory':>12} "
        f"{'--dry-run said':>15}"
    )
    for size, (cost, expected) in built.items():
        print(
            f"{size:>12} {size * size * itemsize / 1e6:>7.0f} MB {cost.wall_s:>7.2f} s {cost.cpu_s:>7.2f} s "
            f"{size * size / cost.wall_s / 1e6:>8.1f} M {cost.peak_bytes / 1e6:>9.0f} MB "
            f"{expected / 1e6:>12.0f} MB"
        )
    first, last = sizes[0], sizes[-1]
    growth = costs[last].peak_bytes / costs[first].peak_bytes
    print(f"cells x {(last / first) ** 2:.2f}: peak memory x {growth:.2f}")


def make_tiles(folder: Path, size: int, dtype: str) -> Path:
    """The generated mountain range, made unless it is there: the folder of its tiles."""
    tiles = folder / f"massif-{size}-{dtype}"
    maker = str(ROOT / "scripts" / "make_massif.py")
    run_process([sys.executable, maker, str(tiles), "--size", str(size), "--dtype", dtype])
    return tiles


def _build(folder: Path, size: int, metric: str, dtype: str) -> tuple[Cost, int]:
    """Cost of building a terrain of size x size cells, and the memory expected, in a house of its own."""
    tiles, house = make_tiles(folder, size, dtype), folder / f"house-{size}"
    shutil.rmtree(house, ignore_errors=True)
    settings = {
        "ZIGGURAT_DATABASE_URL": f"sqlite:///{house / 'catalog.db'}",
        "ZIGGURAT_STORE_URL": str(house / "pyramids"),
        "ZIGGURAT_TILE_ROOT": str(tiles),
    }
    run_process([ZIGGURAT, "add", "--create", "massif", str(tiles / "*.tif")], settings)
    build = [ZIGGURAT, "build", "massif", "--metric", metric]
    told = subprocess.run(
        [*build, "--dry-run", "--json"], env=os.environ | settings, stdout=subprocess.PIPE, check=True
    )
    cost = run_process(build, settings)
    shutil.rmtree(house)
    return cost, json.loads(told.stdout)["memory_bytes"]
