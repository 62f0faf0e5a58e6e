"""A service whose tiles come from servers of the tests, and from no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from foreign import sources
from installations import Installation, make_installation
from rest import AppClient, open_client


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def timeout_s() -> int:
    """What a server is waited for."""
    return 2


@pytest.fixture
def client(installation: Installation, timeout_s: int) -> Iterator[AppClient]:
    with open_client(installation, sources=sources(installation.folder, timeout_s=timeout_s)) as client:
        yield client
