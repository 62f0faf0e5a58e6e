"""Services to ask: one with the golden terrain for all tests of a file that only look, and empty ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from installations import Installation, make_installation
from rest import AppClient, add_golden, open_client


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppClient]:
    """A service with the terrain `golden`, id 1, and nothing else; tests leave it as it is."""
    installation = make_installation(tmp_path_factory.mktemp("golden"))
    with open_client(installation) as client:
        add_golden(installation, client)
        yield client


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service without terrains."""
    with open_client(installation) as client:
        yield client
