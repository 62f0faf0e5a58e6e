"""Services to ask: one with the golden terrain for all tests of a file that only look, and empty ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from installations import Installation, make_installation
from rest import add_golden, open_client


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service without terrains."""
    with open_client(installation) as client:
        yield client


@pytest.fixture
def golden(installation: Installation, client: TestClient) -> int:
    """Id of the terrain `golden`, cut into west.npy and east.npy, not built."""
    return add_golden(client, installation)
