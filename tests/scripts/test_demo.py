"""The demo, with mountains small enough to be made in no time, and everything it tells a stranger to try."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

import show_demo
from bootstrap import ROOT
from installations import COMMAND
from make_small_terrains import GOLDEN_EAST_X, small_terrains

SIZE = "256"
STARTS_WITHIN_S = 60
"""Far more than a server needs, for a machine that is busy with something else."""


@dataclass(frozen=True)
class Shown:
    """What a run of the demo printed, and the server it told of."""

    data: Path
    text: str
    port: int


def run_demo(data: Path, port: int, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The demo's steps in a process of their own, in this environment; a wrong catalogue must not matter."""
    code = "import sys; sys.argv[0] = 'demo'; from show_demo import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "--data", str(data), "--size", SIZE, *arguments],
        env=os.environ
        | {"PYTHONPATH": search_path(), "ZIGGURAT_PORT": str(port), "ZIGGURAT_DATABASE_URL": "no"}
        | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def search_path() -> str:
    return os.pathsep.join([str(ROOT), str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A first run of the demo."""
    data, port = tmp_path_factory.mktemp("demo"), free_port()
    done = run_demo(data, port, "--no-serve")
    assert done.returncode == 0, done.stderr
    return Shown(data, done.stdout, port)


@pytest.fixture(scope="module")
def server(shown: Shown) -> Iterator[str]:
    """The server that the demo ends with, over what it made."""
    settings = show_demo.Place(shown.data).settings | {"ZIGGURAT_PORT": str(shown.port)}
    with subprocess.Popen(
        [*COMMAND, "serve"],
        env=os.environ | settings | {"PYTHONPATH": search_path()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        base = f"http://127.0.0.1:{shown.port}"
        wait_for(base, process)
        yield base
        process.terminate()


def wait_for(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            httpx.get(f"{base}/health/live")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(base)


@dataclass(frozen=True)
class Try:
    """A curl line, and the status its comment announces."""

    words: list[str]
    status: int


def tries(text: str) -> list[Try]:
    """Every curl line as a shell would split it; a paragraph that announces no status means 200."""
    found: list[Try] = []
    for paragraph in text.split("\n\n"):
        announced = re.search(r"answers (\d{3})", paragraph)
        status = int(announced[1]) if announced else 200
        lines = paragraph.splitlines()
        found += [Try(shlex.split(line), status) for line in lines if line.startswith("  curl ")]
    return found


def send(words: list[str]) -> httpx.Response:
    """What curl would send."""
    given = SimpleNamespace(method="GET", headers={}, body=None, url="")
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-X":
                given.method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                given.headers[name] = value
            case "-d":
                given.body = next(rest)
            case "-o":
                next(rest)
            case "-i":
                pass
            case _:
                given.url = word
    return httpx.request(given.method, given.url, headers=given.headers, content=given.body, timeout=60)


def test_every_curl_line_answers_as_announced(shown: Shown, server: str) -> None:
    found = tries(shown.text)
    assert len(found) >= 12
    assert sorted({each.status for each in found}) == [200, 201, 404]
    for each in found:
        answer = send(each.words)
        assert answer.status_code == each.status, f"{shlex.join(each.words)}: {answer.text}"


def test_the_worked_example_is_the_documented_one(shown: Shown, server: str) -> None:
    assert f"curl '{server}/terrain/1/pyramid/max/1'" in shown.text
    levels = [httpx.get(f"{server}/terrain/1/pyramid/max/{level}").json()["values"] for level in (1, 2, 3)]
    assert levels == [[[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]], [[87, 66], [41, 59]], [[87]]]
    assert (
        httpx.get(f"{server}/terrain/1/pyramid/max/4").headers["content-type"] == "application/problem+json"
    )
    assert f"Open {server}/ in a browser" in shown.text
    assert f"{server}/docs to try" in shown.text
    assert httpx.get(f"{server}/docs").status_code == 200


def test_the_line_for_xarray_shows_every_level(shown: Shown) -> None:
    (line,) = (line for line in shown.text.splitlines() if "import xarray" in line)
    code = shlex.split(line)[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for level in range(9):
        assert f"Group: /{level}" in done.stdout


def test_a_second_run_changes_nothing(shown: Shown) -> None:
    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in shown.data.rglob("*.zarr")} | {
            path: path.stat().st_mtime_ns for path in (shown.data / "tile").rglob("*.*")
        }

    before = files()
    done = run_demo(shown.data, shown.port, "--no-serve")
    assert done.returncode == 0, done.stderr
    assert files() == before
    assert "is built:" not in done.stdout
    assert done.stdout.count("is up to date:") == 4


def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_demo(tmp_path / "data", taken.getsockname()[1])
    assert done.returncode == 1
    assert "Address already in use; ZIGGURAT_HOST and ZIGGURAT_PORT name another address" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_service_that_may_not_start_is_told_before_anything_is_built(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "data", free_port(), ZIGGURAT_HOST="0.0.0.0")  # noqa: S104
    assert done.returncode == 1
    assert "others can reach 0.0.0.0, and there is no API key yet" in done.stderr
    assert not (tmp_path / "data" / "pyramids").exists()


def test_the_demo_registers_every_tile_of_the_repository() -> None:
    golden, ridge, massif = show_demo.TERRAINS
    files = {addition[0]: addition for terrain in (golden, ridge) for addition in terrain.additions}
    assert files.keys() == small_terrains().keys()
    assert files["golden-east.npy"][2] == str(GOLDEN_EAST_X)
    assert massif.additions == (("massif/*.tif",),)
