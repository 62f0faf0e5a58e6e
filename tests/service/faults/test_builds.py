"""A catalogue that goes away while a pyramid is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from build_processes import ASYNC, LEVEL, LEVEL_1, start_worker
from faultproxy import FaultProxy
from held_metric import METRICS, Hold, held_builds
from installations import Installation
from rest import AppClient, add_golden, generation_count, until


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    with held_builds(tmp_path) as hold:
        yield hold


def test_row_23_a_builder_that_cannot_tell_of_itself_gives_way_to_another(
    installation: Installation,
    catalogue_url: str,
    start: Callable[..., AppClient],
    proxy: FaultProxy,
    hold: Hold,
    caplog: pytest.LogCaptureFixture,
) -> None:
    beyond = replace(installation, catalogue_url=catalogue_url)  # reaches the database
    client = start(metrics=(METRICS,), lease_s=1.0)
    add_golden(installation, client)
    assert client.get(LEVEL, headers=ASYNC).status_code == 202
    until(hold.has_begun)
    proxy.set("refuse")
    hold.close()
    with ExitStack() as stack:
        start_worker(beyond, stack, LEASE_S="1")
        until(hold.has_begun)
        hold.open()
        until(lambda: generation_count(beyond) == 1)
    proxy.set("pass")
    until(lambda: "nothing was published" in caplog.text)
    until(lambda: client.get(LEVEL).status_code == 200)
    assert client.get(LEVEL).json()["values"] == LEVEL_1
    assert generation_count(beyond) == 1
