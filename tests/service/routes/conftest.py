"""A service with the golden terrain of the design: two tiles without georeferencing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from installations import Installation, make_installation
from rest import add_golden, open_client


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
    return add_golden(client, installation)
