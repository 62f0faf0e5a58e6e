"""A server that is restarted under load."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from asking import ask, assert_heals
from installations import make_installation
from own_postgres import OwnServer, started_server
from rest import AppClient, open_client, until


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A server that keeps what it says it keeps, through a crash of its own."""
    with started_server() as server:
        yield server


@pytest.fixture
def client(server: OwnServer, tmp_path: Path) -> Iterator[AppClient]:
    installation = make_installation(tmp_path, server.url.render_as_string(hide_password=False))
    with open_client(installation, stale_page_s=0) as client:
        yield client


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_row_15_a_restart_under_load_costs_no_terrain_that_was_made(
    client: AppClient, server: OwnServer, mode: str
) -> None:
    is_over, numbers = Event(), count()
    made: list[str] = []

    def make_again_and_again() -> None:
        while not is_over.is_set():
            name = f"{mode}-{next(numbers)}"
            answer = client.post("/terrain", json={"name": name})
            assert answer.status_code in {201, 503}, answer.text
            if answer.status_code == 201:
                made.append(name)
            ask(client, "/terrain?limit=1")

    with ThreadPoolExecutor(4) as pool:
        makers = [pool.submit(make_again_and_again) for _ in range(4)]
        try:
            until(lambda: len(made) > 20)
            server.restart(mode)
            before = len(made)
            until(lambda: len(made) > before + 20)
        finally:
            is_over.set()
        for maker in makers:
            maker.result()
    assert_heals(client)
    found = client.get(f"/terrain?limit=1000&q={mode}").json()["terrains"]
    assert {terrain["name"] for terrain in found} >= set(made)
