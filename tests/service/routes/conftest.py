"""Services to ask: one with the golden terrain for all tests of a file that only look, and empty ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from installations import Installation
from rest import AppClient, add_golden, open_client


@pytest.fixture(scope="module")
def golden(shared_installation: Installation) -> Iterator[AppClient]:
    """A service with the terrain `golden`, id 1, and nothing else; tests leave it as it is."""
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        yield client


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service without terrains."""
    with open_client(installation) as client:
        yield client
