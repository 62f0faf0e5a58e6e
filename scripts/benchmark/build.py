"""Peers and Ziggurat on the same terrain in one run, interleaved, each job in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmark.costs import Cost, median_cost
from benchmark.memory import make_tiles
from bootstrap import ROOT

OURS = "Ziggurat"


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who does a job: `script` below this folder, run as a program."""

    name: str
    script: str


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done, and by whom."""

    title: str
    contestants: tuple[Contestant, ...]


JOBS = (
    Job(
        "From level 0 in Zarr to all coarser levels (`max`)",
        (
            Contestant("floor: decode level 0, encode as much as is written", "levels/floor.py"),
            Contestant(OURS, "levels/ziggurat.py"),
            Contestant("tensorstore downsample, level by level", "levels/tensorstore_downsample.py"),
            Contestant("dask.array coarsen, one graph", "levels/dask_coarsen.py"),
            Contestant("gdaladdo, average", "levels/gdaladdo.py"),
            Contestant("ndpyramid, mean", "levels/ndpyramid_coarsen.py"),
            Contestant("topozarr, max, level 0 written again", "levels/topozarr_pyramid.py"),
        ),
    ),
    Job(
        "From GeoTIFF tiles to the whole pyramid, level 0 included",
        (
            Contestant(OURS, "tiles/ziggurat.py"),
            Contestant("GDAL: VRT, then COG with overviews, average", "tiles/gdal_cog.py"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the jobs start from, made once."""

    tiles: Path
    pyramid: Path


def compare_builders(folder: Path, size: int, rounds: int) -> str:
    """Run every contestant `rounds` times, in turn; a Markdown table of the medians for each job."""
    inputs = _prepare(folder, size)
    tables = [_compare(job, inputs, folder, rounds) for job in JOBS]
    caption = (
        f"{size} x {size} cells of float32, {os.cpu_count()} cores, medians of {rounds} interleaved runs; "
        "imports do not count, memory is the whole process's at its peak."
    )
    return "\n\n".join([caption, *tables]) + "\n"


def _prepare(folder: Path, size: int) -> Inputs:
    tiles = make_tiles(folder, size, "float32")
    pyramid = tiles.with_suffix(".zarr")
    if not pyramid.with_suffix(".manifest.json").exists():
        shutil.rmtree(pyramid, ignore_errors=True)
        pyramid.with_suffix(".journal").unlink(missing_ok=True)
        _run("tiles/ziggurat.py", Inputs(tiles, pyramid), pyramid)
    whole = tiles.with_suffix(".tif")
    if not whole.exists():
        _run("tiles/one_geotiff.py", Inputs(tiles, pyramid), whole)
    return Inputs(tiles, pyramid)


def _compare(job: Job, inputs: Inputs, folder: Path, rounds: int) -> str:
    costs: dict[str, list[Cost]] = {contestant.name: [] for contestant in job.contestants}
    for number in range(1, rounds + 1):
        for contestant in job.contestants:
            cost = _measure(contestant, inputs, folder / "out.zarr")
            costs[contestant.name].append(cost)
            print(
                f"{number}/{rounds} {contestant.name}: {cost.wall_s:.2f} s, {cost.cpu_s:.2f} s CPU",
                flush=True,
            )
    return make_table(job.title, {name: median_cost(each) for name, each in costs.items()})


def _measure(contestant: Contestant, inputs: Inputs, out: Path) -> Cost:
    _clear(out)
    os.sync()  # what the one before wrote is not to be this one's burden
    cost = Cost(**json.loads(_run(contestant.script, inputs, out)))
    _clear(out)
    return cost


def _clear(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    for beside in out.parent.glob(f"{out.stem}.*"):
        beside.unlink()


def _run(script: str, inputs: Inputs, out: Path) -> str:
    return run_script(script, str(inputs.tiles), str(inputs.pyramid), str(out))


def run_script(script: str, *arguments: str) -> str:
    """What a program below this folder prints; it measures itself."""
    program = Path(__file__).parent / script
    packages = os.pathsep.join([str(ROOT), str(ROOT / "scripts")])
    environment = os.environ | {"PYTHONPATH": packages, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(program), *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script} failed (exit code {done.returncode})")
    return done.stdout


def make_table(title: str, costs: dict[str, Cost]) -> str:
    """A Markdown table: what each took, and our share of it."""
    ours = costs[OURS]
    rows = [
        f"| {name} | {cost.wall_s:.2f} | {cost.cpu_s:.2f} | {cost.peak_bytes / 1e6:.0f} "
        f"| {ours.wall_s / cost.wall_s:.2f} | {ours.cpu_s / cost.cpu_s:.2f} |"
        for name, cost in costs.items()
    ]
    head = [
        f"| {title} | wall s | CPU s | peak MB | {OURS}'s wall ÷ its | {OURS}'s CPU ÷ its |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*head, *rows])
