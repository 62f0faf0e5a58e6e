"""The benchmark's jobs run, do what they say, and are told in a table."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import zarr

from benchmark.asking import Answer, Pass
from benchmark.build import OURS, make_table, run_script
from benchmark.cold import Crowd, compare_cold_requests
from benchmark.costs import Cost, median_cost
from benchmark.large_catalogue import Size
from benchmark.map_tiles import (
    Contestant,
    compare_map_tiles,
    compare_windows,
    make_zoom_table,
)
from benchmark.map_tiles import Effort as MapEffort
from benchmark.map_tiles import (
    make_table as make_map_table,
)
from benchmark.points import measure_points
from benchmark.serve import Effort, compare_serving
from benchmark.served import command_of

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "scripts" / "benchmark"
SIZE, TILE = 1024, 512


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "massif"
    make = [sys.executable, str(ROOT / "scripts" / "make_massif.py"), str(folder), "--dtype", "float32"]
    subprocess.run([*make, "--size", str(SIZE), "--tile", str(TILE)], check=True)
    return folder


@pytest.fixture(scope="module")
def pyramid(tiles: Path) -> Path:
    run("tiles/ziggurat.py", tiles, tiles, tiles.with_suffix(".zarr"))
    return tiles.with_suffix(".zarr")


def run(script: str, tiles: Path, pyramid: Path, out: Path) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts")])}
    command = [sys.executable, *map(str, (BENCHMARK / script, tiles, pyramid, out))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return str(done.stdout)


def level(root: Path, array: str) -> np.ndarray:
    return np.asarray(zarr.open_array(root / array, mode="r")[:])


def test_a_built_pyramid_is_that_of_the_tiles(pyramid: Path) -> None:
    native = level(pyramid, "0/elevation")
    assert native.shape == (SIZE, SIZE)
    for number in (1, 5, 10):
        side = 2**number
        blocks = native.reshape(SIZE // side, side, SIZE // side, side)
        np.testing.assert_array_equal(
            level(pyramid, f"{number}/elevation"), np.fmax.reduce(np.fmax.reduce(blocks, axis=3), axis=1)
        )


@pytest.mark.parametrize("name", ["ziggurat", "tensorstore_downsample", "dask_coarsen"])
def test_contestants_for_levels_make_the_same_levels(
    name: str, tiles: Path, pyramid: Path, tmp_path: Path
) -> None:
    cost = Cost(**json.loads(run(f"levels/{name}.py", tiles, pyramid, tmp_path / "out.zarr")))
    assert cost.wall_s > 0
    array = "1/elevation" if name == "ziggurat" else "1"
    made, expected = level(tmp_path / "out.zarr", array), level(pyramid, "1/elevation")
    # the others take NaN for a height here and there
    has_data = ~np.isnan(made) & ~np.isnan(expected)
    assert has_data.mean() > 0.5
    np.testing.assert_array_equal(made[has_data], expected[has_data])


@pytest.mark.parametrize("script", ["levels/floor.py", "tiles/gdal_cog.py", "tiles/ziggurat.py"])
def test_the_others_run_and_tell_their_cost(script: str, tiles: Path, pyramid: Path, tmp_path: Path) -> None:
    cost = Cost(**json.loads(run(script, tiles, pyramid, tmp_path / "out.zarr")))
    assert cost.wall_s > 0
    assert cost.peak_bytes > 2**20
    assert any((tmp_path / "out.zarr").iterdir())


def test_a_terrain_of_many_tiles_is_planned() -> None:
    cost = Cost(**json.loads(run_script("plan.py", "2000")))
    assert cost.wall_s > 0


def test_the_table_puts_us_over_each_of_them() -> None:
    costs = {OURS: Cost(2.0, 3.0, 10**8), "other": Cost(4.0, 2.0, 2 * 10**8)}
    table = make_table("Job", costs)
    assert "| other | 4.00 | 2.00 | 200 | 0.50 | 1.50 |" in table.splitlines()


def test_medians_are_of_each_number_by_itself() -> None:
    costs = [Cost(1.0, 9.0, 3), Cost(2.0, 8.0, 2), Cost(9.0, 1.0, 1)]
    assert median_cost(costs) == Cost(2.0, 8.0, 2)


def test_a_catalogue_is_served_beside_its_bare_sql() -> None:
    effort = Effort(rounds=1, times=1, clients=2, seconds=0.01)
    # not below pytest's folders: the server's own user has to get there
    with TemporaryDirectory() as folder:
        tables = compare_serving(Path(folder), Size(terrains=30, tiles=400), effort)
    _, on_loopback, in_one_process = tables.split("\n\n")
    assert in_one_process.count("first page") == 4
    rows = re.findall(r"^\| (.*) \|$", on_loopback, re.MULTILINE)
    figures = {name: numbers for name, *numbers in (row.split(" | ") for row in rows)}
    first = figures["terrains, limit 100, first page"]
    assert all(float(number) >= 0 for number in first)
    assert {
        "terrains, limit 100, 27 in",
        "one terrain",
        "its tiles, limit 1000, first page",
    } <= figures.keys()
    assert figures["terrains, limit 1000, first page"][4] == "1.00"


def test_many_cold_requests_are_compared_with_one(tmp_path: Path) -> None:
    told = compare_cold_requests(tmp_path, Crowd(requests=8, processes=2, rounds=1, cells=600))
    assert "8 equal ones to 2 processes" in told


def test_values_at_points_are_measured(tmp_path: Path) -> None:
    told = measure_points(tmp_path, 300, 1)
    for row in re.findall(r"^\| 300 points, .* \|$", told, re.MULTILINE):
        *_, decoded, holding, _ = row.split("|")
        assert int(decoded) == int(holding)
    assert "| 1 point, nearest | " in told


MAP_EFFORT = MapEffort(rounds=1, tiles=2, repeats=1, clients=2)


def test_map_tiles_are_compared_with_titiler_s(tmp_path: Path) -> None:
    pytest.importorskip("titiler.core", reason="needs the peers: scripts/bench tiles installs them")
    told = compare_map_tiles(tmp_path, 2 * SIZE, MAP_EFFORT)
    for name in ("Ziggurat, cold", "TiTiler, COG, cold", "Ziggurat, warm", "TiTiler, COG, warm"):
        assert f"\n| {name} | " in told


def test_windows_of_levels_are_compared_with_a_file_server(tiles: Path, tmp_path: Path) -> None:
    shutil.copytree(tiles, tmp_path / "tiles")
    command_of(tmp_path, "add", "--create", "massif", "tiles/*.tif")
    command_of(tmp_path, "build", "massif", "--metric", "mean")
    table = compare_windows(tmp_path, SIZE, MAP_EFFORT)
    assert [row.split(" | ")[:2] for row in table.splitlines()[2:]] == [
        ["| 64 x 64 cells", "17"],
        ["| 256 x 256 cells", "262"],
    ]


def answers(*zooms_and_seconds: tuple[int, float]) -> tuple[Answer, ...]:
    return tuple(Answer(zoom, seconds, b"x" * 2000) for zoom, seconds in zooms_and_seconds)


def contestant(name: str, wall_s: float) -> Contestant:
    made = Contestant(name, lambda: pytest.fail("it was not to be started"), "/{z}/{x}/{y}")
    asked = Pass(wall_s, 0.03, answers((3, 0.1), (4, 0.2), (4, 0.4)))
    made.cold.append(asked)
    made.warm.append(asked)
    return made


def test_map_tiles_are_told_as_rates_and_ratios() -> None:
    ours, other = contestant("Ziggurat", 0.5), contestant("other", 2.0)
    assert (
        "| other, warm | 2 | 200.0 | 396.0 | 10.0 | 2.0 | 4.0 |" in make_map_table(ours, other).splitlines()
    )
    rows = make_zoom_table(ours, other).splitlines()
    assert rows[2:] == [
        "| 3 | 1 | 100.0 | 100.0 | 100.0 | 100.0 | 2.0 | 2.0 |",
        "| 4 | 2 | 300.0 | 300.0 | 300.0 | 300.0 | 2.0 | 2.0 |",
    ]
