"""One service and one browser for all tests that one process runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

import held_metric
from browsing import Visit, Watched, open_browser, watched_page
from fetch_viewer import fetch_packages
from held_metric import Hold, held_builds
from installations import Installation, make_installation
from own_environments import NotInstallable
from served import Served, served
from viewed import add_terrains


@pytest.fixture(scope="session")
def hold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hold]:
    with held_builds(tmp_path_factory.mktemp("hold")) as hold:
        yield hold


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return make_installation(tmp_path_factory.mktemp("viewer"))


@pytest.fixture(scope="session")
def service(installation: Installation, hold: Hold) -> Iterator[Served]:
    with served(installation, METRICS=held_metric.METRICS) as service:
        add_terrains(installation, service.client)
        yield service


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def packages() -> None:
    """What maps are drawn with; without npm the test is skipped."""
    try:
        fetch_packages()
    except NotInstallable as reason:
        pytest.skip(f"npm does not give the viewer's packages: {reason}")


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen: Path | None = request.config.getoption("--pictures")
    if chosen is None:
        return tmp_path_factory.mktemp("pictures")
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen.absolute()


@pytest.fixture
def visit(browser: Browser, service: Served, pictures: Path) -> Iterator[Visit]:
    """Makes pages of the service; the options are those of a browser's context."""
    with ExitStack() as stack:

        def make(**options: Any) -> Watched:
            base = str(service.client.base_url).rstrip("/")
            return stack.enter_context(watched_page(browser, base, pictures, **options))

        yield make
