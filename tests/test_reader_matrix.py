"""Readers on pyramids of the real service: those that the tests have anyway, and xarray with next to nothing.

`scripts/readers` shows the same to readers with environments of their own, and writes the README's table.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fresh import make_fresh_environment
from installations import Installation, make_installation
from make_small_terrains import GOLDEN
from matrix.cases import served_cases
from matrix.environments import GROUPS, PROGRAMS, Group, run_program
from matrix.table import COLUMNS, GOOD, NOT_INSTALLED, not_installed, rows_of, table_of, untold
from oracle import NativeCells
from own_environments import NotInstallable, clean_environment
from readme import README
from rest import add_golden, figure, open_client, serve

ALONE = "xarray", "zarr", "fsspec", "aiohttp"
AT_HAND = "zarr_python.py", "rioxarray_tree.py", "tensorstore_arrays.py"
HELPERS = {"expected.py", "expected.mjs", "opens_and_waits.py"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with served_cases(tmp_path_factory.mktemp("shown")) as path:
        yield path


@pytest.fixture(scope="module")
def fresh_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fresh_environment(tmp_path_factory.mktemp("fresh"), *ALONE)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


def shown(python: str | Path, program: str, cases: Path) -> dict[str, Any]:
    command = [python, "-W", "ignore", PROGRAMS / program, cases]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def assert_all_good(found: dict[str, Any]) -> None:
    assert {seen["way"] for seen in found["seen"]} == {"disk", "HTTP sharded", "HTTP unsharded"}
    assert {seen["kind"] for seen in found["seen"]} == {"", "higher than wide", "without a CRS"}
    for seen in found["seen"]:
        assert "failed" not in seen, seen
        assert all(seen[column] in GOOD for column in COLUMNS), seen


@pytest.mark.parametrize("program", AT_HAND)
def test_readers_at_hand_find_every_level(cases: Path, program: str) -> None:
    assert_all_good(shown(sys.executable, program, cases))


def test_a_program_tells_what_is_wrong(cases: Path, tmp_path: Path) -> None:
    wrong = json.loads(cases.read_text())[:1]
    wrong[0] |= {"epsg": 32632, "nodata": 0}
    wrong[0]["levels"][3]["shape"].reverse()
    for level in wrong[0]["levels"]:
        level["cells"] = str(cases.parent / level["cells"])
    changed = np.fromfile(wrong[0]["levels"][0]["cells"])
    changed[-1] += 1
    changed.tofile(tmp_path / "changed")
    wrong[0]["levels"][0]["cells"] = "changed"
    (tmp_path / "cases.json").write_text(json.dumps(wrong))
    for seen in shown(sys.executable, "zarr_python.py", tmp_path / "cases.json")["seen"]:
        assert "instead of" in seen["levels"]
        assert seen["values"] == "level 0 differs"
        assert seen["crs"] == "32633 instead of 32632"
        assert seen["nodata"] == "-9999.0 instead of none"


# A fresh environment


def test_a_fresh_environment_holds_nothing_else(fresh_python: Path) -> None:
    for name in ("rioxarray", "dask", "requests", "service", "pytest", "pip"):
        command = [str(fresh_python), "-c", f"import {name}"]  # finds what lies in the current folder, too
        env, folder = clean_environment(), fresh_python.parent
        ran = subprocess.run(command, capture_output=True, env=env, cwd=folder, check=False)
        assert b"ModuleNotFoundError" in ran.stderr, name


def test_xarray_in_a_fresh_environment_finds_every_level(cases: Path, fresh_python: Path) -> None:
    assert_all_good(shown(fresh_python, "xarray_alone.py", cases))


def test_a_tree_that_is_open_keeps_its_cells_while_ten_others_are_published(
    installation: Installation, fresh_python: Path
) -> None:
    with open_client(installation) as client, serve(installation) as service:
        add_golden(installation, client)
        address = f"{service}{build(client)['zarr_url']}"
        cells = installation.folder / "cells.npz"
        with subprocess.Popen(
            [fresh_python, PROGRAMS / "opens_and_waits.py", address, cells],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "opened\n"
            assert answered(service) == 1 + 2 * 4  # zarr.json, and y and x of each level
            generations = {publish_another(installation, client, number) for number in range(10)}
            reader.communicate("read\n")
    assert len(generations) == 10
    native = NativeCells(np.array(GOLDEN, np.int16), np.ones((5, 7), bool))
    with np.load(cells) as found:
        for level, name in enumerate(found.files):
            np.testing.assert_array_equal(found[name], native.extreme(level, "max")[0])


def answered(service: str) -> float:
    """Objects of pyramids that were given."""
    route = "/terrain/{terrain}/zarr/{metric}/{generation}/{key:path}"
    with httpx.Client(base_url=service) as client:
        return figure(client, "ziggurat_request_seconds_count", route=route, status="2xx")


def build(client: Any) -> dict[str, Any]:
    answer = client.post("/terrain/golden/pyramid/max", headers={"Prefer": "wait=30"})
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


def publish_another(installation: Installation, client: Any, number: int) -> str:
    """Cover a cell with 99 and build; the new generation."""
    np.save(installation.tiles / f"new-{number}.npy", np.full((1, 1), 99, np.int16))
    tile = {"url": f"new-{number}.npy", "x": number % 7, "y": 0, "priority": number + 1}
    assert client.post("/terrain/golden/tile", json={"tiles": [tile]}).status_code == 201
    generation: str = build(client)["generation"]
    return generation


# The table


def test_the_table_of_the_readme_has_every_program_and_every_program_is_run() -> None:
    programs = {path.name for path in PROGRAMS.iterdir() if path.suffix in {".py", ".mjs"}} - HELPERS
    assert {program for group in GROUPS for program in group.programs} == programs
    table = README.split("<!-- scripts/readers -->\n")[1].split("<!-- end -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert {row[0].strip("`") for row in rows} == programs
    assert all(row[1] != NOT_INSTALLED for row in rows)


def judged(way: str, kind: str = "", **changed: str) -> dict[str, str]:
    return {"way": way, "kind": kind, **dict.fromkeys(COLUMNS, "yes"), **changed}


def test_ways_that_give_the_same_share_a_row_and_what_is_wrong_has_its_own() -> None:
    found = {
        "reader": "r",
        "version": "1",
        "seen": [
            judged("disk"),
            judged("disk", crs="–"),
            judged("HTTP"),
            judged("HTTP", "odd", values="level 1 differs"),
            {"way": "VRT", "kind": "", "failed": "x|y" * 50},
        ],
    }
    rows = [*rows_of("p.py", found), not_installed("q.py", "needs Python 3.99")]
    written = table_of(rows).splitlines()
    assert written[2:] == [
        "| `p.py` | r 1 | disk; HTTP | yes | yes | yes | yes |",
        "| `p.py` | r 1 | HTTP, odd | yes | level 1 differs | yes | yes |",
        "| `p.py` | r 1 | VRT | no: " + r"x\|y" * 26 + r"x\|… | no | no | no |",
        "| `q.py` | not installed | needs Python 3.99 |  |  |  |  |",
    ]
    assert untold(rows, table_of(rows[1:])) == rows[:1]
    assert untold(rows, table_of(rows[:-1])) == []


def test_a_reader_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotInstallable, match=r"needs Python 3\.99"):
        run_program(Group("future", (3, 99), ("p.py",)), "p.py", tmp_path)
