"""Services to ask: one with the golden terrain for all tests of a file that only look, and empty ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from installations import Installation, make_installation
from rest import AppClient, add_golden, open_client


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory, module_catalogue_url: str) -> Iterator[AppClient]:
    """A service with the terrain `golden`, id 1, and nothing else; tests leave it as it is."""
    installation = make_installation(tmp_path_factory.mktemp("golden"), module_catalogue_url)
    with open_client(installation) as client:
        add_golden(installation, client)
        yield client


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service without terrains."""
    with open_client(installation) as client:
        yield client
