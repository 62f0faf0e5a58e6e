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
def installation(tmp_path: Path, catalogue_url: str, chosen_store_url: str | None) -> Installation:
    return make_installation(tmp_path, catalogue_url, chosen_store_url)


@pytest.fixture(scope="module")
def shared_installation(
    tmp_path_factory: pytest.TempPathFactory, module_catalogue_url: str, module_store_url: str | None
) -> Installation:
    """One for all tests of a file that leave it as it is."""
    return make_installation(tmp_path_factory.mktemp("shared"), module_catalogue_url, module_store_url)


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
