"""The description is true: whatever schemathesis makes of it, answers are as described and never a defect.

All phases and all checks, as its command line runs them; tests/support/schemathesis.toml has the rest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import schemathesis_hooks
from catalog.repository.keys import Scope
from installations import Installation
from make_small_terrains import GOLDEN
from rest import serve
from service.creation import TerrainOrder, create_terrain
from service.keys import issue_key
from service.registration import register_tiles
from service.tile_orders import TileOrder

pytestmark = pytest.mark.long

SUPPORT = Path(schemathesis_hooks.__file__).parent
TERRAINS = ("golden", *(f"survey-{number}" for number in range(6)))


@pytest.fixture
def installation(installation: Installation) -> Installation:
    """Terrains of two tiles each: ids and names are those that the configuration has requests try."""
    cells = np.array(GOLDEN, dtype=np.int16)
    np.save(installation.tiles / "golden-west.npy", cells[:, :4])
    np.save(installation.tiles / "golden-east.npy", cells[:, 4:])
    tiles = [TileOrder(url="golden-west.npy", x=0, y=0), TileOrder(url="golden-east.npy", x=4, y=0)]
    with installation.house() as house:
        for name in TERRAINS:
            create_terrain(house, TerrainOrder(name=name))
            register_tiles(house, name, tiles)
    return installation


@pytest.mark.parametrize("auth", ["open", "keys"])
def test_answers_are_as_described_and_no_request_is_a_defect(
    installation: Installation, tmp_path: Path, auth: str
) -> None:
    """With keys, schemathesis also leaves the key out and sends wrong ones, and wants 401."""
    with installation.house() as house:
        key = issue_key(house, "fuzz", Scope.WRITE, None).text
    header = ("--header", f"Authorization: Bearer {key}") if auth == "keys" else ()
    with serve(installation, build_wait_s=2.0, auth=auth) as address:
        run = subprocess.run(
            (
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(SUPPORT / "schemathesis.toml"), "--no-color"),
                *("run", f"{address}/openapi.json", *header),
            ),
            cwd=tmp_path,  # where it may leave its files
            env={"PYTHONPATH": str(SUPPORT), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅  {phase}" in run.stdout, run.stdout
