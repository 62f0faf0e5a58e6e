"""A service with the golden terrain of the design: two tiles without georeferencing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from installations import Installation, make_installation
from make_small_terrains import GOLDEN
from rest import add_terrain, open_client


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with open_client(installation) as client:
        yield client


@pytest.fixture
def golden(installation: Installation, client: TestClient) -> int:
    """Id of the terrain `golden`, cut into west.npy and east.npy, not built."""
    cells = np.array(GOLDEN, dtype=np.int16)
    np.save(installation.tiles / "west.npy", cells[:, :4])
    np.save(installation.tiles / "east.npy", cells[:, 4:])
    tiles = {"url": "west.npy", "x": 0, "y": 0}, {"url": "east.npy", "x": 4, "y": 0}
    return add_terrain(client, "golden", *tiles, unit="m")
