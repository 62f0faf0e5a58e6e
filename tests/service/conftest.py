"""An installation for each test, on each kind of catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from held_metric import Hold, held_builds
from installations import Installation, make_installation
from rest import add_golden, serve


@pytest.fixture
def installation(tmp_path: Path, catalogue_url: str) -> Installation:
    return make_installation(tmp_path, catalogue_url)


@pytest.fixture
def unbuilt(installation: Installation) -> Installation:
    """The golden terrain, nothing built."""
    with serve(installation) as address, httpx.Client(base_url=address) as client:
        add_golden(installation, client)
    return installation


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Holds builds under the metric `held`."""
    with held_builds(tmp_path) as hold:
        yield hold
