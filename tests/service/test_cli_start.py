"""A command loads what it needs: who lists terrains does not wait for what builds them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installations import Installation, make_installation

TELL_LOADED = """
import json, sys
from service.cli import run

code = run({arguments!r})
print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]))
"""
READS_TILES = {"rasterio", "zarr", "dask"}
NEVER = {"distributed", "xarray", "fastapi", "uvicorn"}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = make_installation(tmp_path)
    assert made.run("create", "alps").code == 0
    return made


@pytest.mark.parametrize(
    ("arguments", "not_loaded"),
    [
        (("--help",), READS_TILES | NEVER),
        (("list",), READS_TILES | NEVER),
        (("info", "alps"), READS_TILES | NEVER),
        (("create", "ridge"), READS_TILES | NEVER),
        (("add", "alps", "missing.npy"), {"zarr", "dask"} | NEVER),
        (("build", "alps"), NEVER),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_command_loads_what_it_needs_and_no_more(
    installation: Installation, arguments: tuple[str, ...], not_loaded: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TELL_LOADED.format(arguments=arguments)],
        env=os.environ | installation.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    _, loaded = json.loads(done.stdout.splitlines()[-1])
    assert not_loaded.isdisjoint(loaded)
    assert "typer" in loaded
