"""The README's picture, commands and snippets: they run, and answer what the README shows."""

from __future__ import annotations

import argparse
import json
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
from typing import Any

import httpx
import numpy as np
import pytest

from make_massif import Range, make_massif
from make_small_terrains import GOLDEN, small_terrains
from oracle import OracleTile, paint
from readme import README, ROOT, blocks, section
from service.builds import build_pyramid
from service.creation import TerrainOrder, create_terrain
from service.house import open_house
from service.registration import register_tiles
from service.settings import Settings
from service.tile_orders import TileOrder
from show_demo import TERRAINS

UNSTABLE = {"generation", "store_url"}
"""Members of shown answers that differ from run to run."""


def test_the_picture_shows_every_cell_of_the_golden_terrain() -> None:
    _, cells = blocks(README)[0][1].split("\n", maxsplit=1)
    golden = paint([OracleTile(0, 0, np.array(GOLDEN))])
    levels = [golden.extreme(level, "max")[0] for level in range(golden.level_count)]
    assert sorted(map(int, re.findall(r"\d+", cells))) == sorted(c for level in levels for c in level.flat)


@dataclass(frozen=True)
class Installation:
    """What `scripts/demo` leaves behind, with a smaller massif, and its service."""

    folder: Path
    port: int

    def start(self, *command: str, **how: Any) -> subprocess.Popen[str]:
        """Start Python in the folder, with default settings."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ZIGGURAT_")}
        env = {**clean, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen([sys.executable, *command], cwd=self.folder, env=env, text=True, **how)

    def run(self, *command: str) -> None:
        """Run Python to a good end."""
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate()
        assert process.returncode == 0, f"{shlex.join(command)}\n{output}"

    def here(self, text: str) -> str:
        """A text of the README with the address of this service."""
        return text.replace("localhost:8080", f"127.0.0.1:{self.port}")


ZIGGURAT = """
import shlex, sys
from service.cli import main
for line in sys.argv[1:]:
    sys.argv = shlex.split(line)
    try:
        main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{line}: exit code {end.code}")
"""
"""Command lines one after the other: importing the command line is most of what one costs."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("tour")
    make_installation(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Installation(folder, port)
    with (folder / "service.log").open("w") as log:
        service = made.start("-c", ZIGGURAT, f"ziggurat serve --port {port}", stdout=log, stderr=log)
        try:
            wait_until_ready(service, made)
            yield made
        finally:
            service.terminate()
            service.wait(timeout=60)


def make_installation(folder: Path) -> None:
    """What `scripts/demo` does, but for the mountains' size; `massif` is not registered."""
    tiles = folder / "data" / "tile"
    tiles.mkdir(parents=True)
    for name, cells in small_terrains().items():
        np.save(tiles / name, cells)
    list(make_massif(tiles / "massif", Range(size=64, tile=32)))
    house = open_house(
        Settings(
            database_url=f"sqlite:///{folder}/data/catalog.db",
            store_url=folder / "data" / "pyramids",
            tile_root=(tiles,),
        )
    )
    house.database.migrate()
    golden, ridge, _ = TERRAINS
    for terrain in (golden, ridge):
        create_terrain(house, TerrainOrder(name=terrain.name, title=terrain.title, unit="m"))
        for url, _, x, _, y in terrain.additions:
            register_tiles(house, terrain.name, [TileOrder(url=url, x=int(x), y=int(y))])
        for metric in terrain.metrics:
            build_pyramid(house, terrain.name, metric, lambda done, total: None)
    house.database.dispose()


def wait_until_ready(service: subprocess.Popen[str], made: Installation) -> None:
    log = made.folder / "service.log"
    for _ in range(600):
        assert service.poll() is None, log.read_text()
        try:
            if httpx.get(made.here("http://localhost:8080/health/ready")).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the service does not become ready:\n{log.read_text()}")


CURL = argparse.ArgumentParser("curl")
"""As much of curl as the README uses: the tests' machine need not have it."""
CURL.add_argument("url")
CURL.add_argument("-X", dest="method", default="GET")
CURL.add_argument("-H", dest="headers", action="append", default=[])
CURL.add_argument("-d", dest="body")
CURL.add_argument("-i", action="store_true")


def curl(command: str) -> httpx.Response:
    given = CURL.parse_args(shlex.split(command)[1:])
    headers = dict(header.split(": ", maxsplit=1) for header in given.headers)
    return httpx.request(given.method, f"http://{given.url}", headers=headers, content=given.body, timeout=60)


@pytest.mark.parametrize("title", ["Five-minute tour", "Your own tiles"])
def test_commands_run_and_answer_as_shown(installation: Installation, title: str) -> None:
    answer: httpx.Response | None = None
    for language, content in blocks(section(title)):
        if language == "sh":
            assert answer is None, f"no answer is shown: {answer}"
            answer = run_block(installation, content.splitlines())
        elif language != "python":
            assert answer is not None, f"an answer to nothing: {content}"
            {"json": assert_json_shown, "http": assert_http_shown}[language](content, answer)
            answer = None
    assert answer is None


def run_block(installation: Installation, lines: list[str]) -> httpx.Response | None:
    """Run one request, or commands that print what is not shown."""
    if lines[0].startswith("curl "):
        (line,) = lines
        return curl(installation.here(line))
    assert all(line.startswith("ziggurat ") for line in lines), lines
    installation.run("-c", ZIGGURAT, *lines)
    return None


def assert_json_shown(shown: str, answer: httpx.Response) -> None:
    assert answer.is_success, answer.text
    assert_part_of(json.loads(shown), answer.json(), str(answer.url))


def assert_http_shown(shown: str, answer: httpx.Response) -> None:
    """Status, headers, and the body if there is one."""
    head, _, body = shown.partition("\n\n")
    status, *headers = head.splitlines()
    assert f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}" == status
    for name, value in (header.split(": ", maxsplit=1) for header in headers):
        assert answer.headers[name] == value
    if body:
        assert_part_of(json.loads(body), answer.json(), str(answer.url))


def assert_part_of(shown: Any, real: Any, where: str) -> None:
    """Objects may have been shortened; whatever is shown is real."""
    assert type(shown) is type(real), where
    if isinstance(shown, dict):
        assert shown.keys() <= real.keys(), where
        for key in shown.keys() - UNSTABLE:
            assert_part_of(shown[key], real[key], f"{where} {key}")
    elif isinstance(shown, list):
        assert len(shown) == len(real), where
        for index, pair in enumerate(zip(shown, real, strict=True)):
            assert_part_of(*pair, f"{where} {index}")
    else:
        assert shown == real, where


def test_python_prints_what_is_shown(installation: Installation) -> None:
    snippets = [content for language, content in blocks(README) if language == "python"]
    assert snippets
    (installation.folder / "tour.txt").write_text(installation.here("\n".join(snippets)))
    installation.run("-m", "doctest", "tour.txt")
