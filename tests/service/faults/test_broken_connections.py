"""Connections that break while they are used, and a server that is not there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from asking import Asked, ask, ask_at_once, assert_heals, slowest, statuses
from catalog.errors import Cause
from catalogues import Role
from faultproxy import FaultProxy
from rest import AppClient, figure


@pytest.mark.parametrize("is_delivered", [True, False])
def test_row_3_a_connection_that_breaks_at_commit_leaves_one_terrain(
    client: AppClient, proxy: FaultProxy, is_delivered: bool
) -> None:
    proxy.set("pass", reset_at="COMMIT\0", delivers=is_delivered)
    new = {"name": "tatra"}
    assert ask(client, "/terrain", "POST", json=new).status == 503, "whether it was kept is not known"
    proxy.set("pass")
    # so the client asks again: there is one, whoever made it
    again = client.post("/terrain", json=new)
    assert again.status_code == (409 if is_delivered else 201)
    found = client.get("/terrain?q=tatra").json()["terrains"]
    assert [terrain["name"] for terrain in found] == ["tatra"]
    assert_heals(client)


def test_row_4_a_server_that_refuses_connections_is_told_at_once_or_outlived(
    start: Callable[..., AppClient], proxy: FaultProxy
) -> None:
    client = start(stale_page_s=30, deadline_s=20)
    fresh = ask(client, "/terrain")
    proxy.set("refuse")
    refused = ask_at_once(client, "/terrain/andes", 40, 20)
    assert statuses(refused) == {503: 40}
    assert slowest(refused) < 20 / 2, "they do not try again until the deadline"
    stale = ask(client, "/terrain")
    assert stale.answer.json() == fresh.answer.json()
    assert stale.answer.headers["ziggurat-state"] == "stale"
    assert client.get("/health/live").status_code == 200
    proxy.set("pass")
    assert_heals(client, "/terrain/andes")


@contextmanager
def resets(proxy: FaultProxy, every_s: float) -> Iterator[None]:
    """All connections are reset again and again; new ones work at once."""
    is_over = threading.Event()

    def reset_again_and_again() -> None:
        while not is_over.wait(every_s):
            proxy.set("reset")
            proxy.set("pass")

    thread = threading.Thread(target=reset_again_and_again)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_row_5_connections_that_are_reset_all_the_time_cost_hardly_an_answer(
    warm: AppClient, proxy: FaultProxy
) -> None:
    with resets(proxy, every_s=0.45):
        asked = ask_at_once(warm, "/terrain?limit=1", 600, 10)
    assert statuses(asked)[200] >= 597
    assert figure(warm, "ziggurat_retries_total", reason=Cause.CONNECTION.value) > 0
    assert_heals(warm)


def ask_for(seconds: float, client: AppClient) -> list[Asked]:
    """Ask for so long, ten at once."""
    asked, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        asked += ask_at_once(client, "/terrain", 10, 10)
    return asked


def test_row_16_a_role_that_may_not_log_in_is_no_reason_for_a_storm(
    warm: AppClient, proxy: FaultProxy, role: Role
) -> None:
    role.alter("NOLOGIN")
    proxy.set("reset")
    proxy.set("pass")
    assert statuses(ask_for(1, warm)).keys() == {503}  # those who found out at once, each for itself
    before, begun = proxy.accepted, time.monotonic()
    assert statuses(ask_for(3, warm)).keys() == {503}
    assert proxy.accepted - before <= 2 * (time.monotonic() - begun) + 1
    assert figure(warm, "ziggurat_sheds_total", reason="catalog-unavailable") >= 10
    role.alter("LOGIN")
    assert_heals(warm)
