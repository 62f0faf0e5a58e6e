"""Servers that say nothing any more, or are slow to: TCP is acknowledged, so nobody is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asking import ask, ask_at_once, assert_heals, slowest, statuses
from faultproxy import FaultProxy
from rest import AppClient, figure


def test_row_6_a_black_hole_is_503_at_the_deadline_and_holds_nothing_for_longer(
    start: Callable[..., AppClient], proxy: FaultProxy
) -> None:
    client = start(deadline_s=4)
    assert statuses(ask_at_once(client, "/terrain", 40, 20)) == {200: 40}
    threads = threading.active_count()
    proxy.set("blackhole")
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(ask_at_once, client, "/terrain", 20, 20)
        writing = pool.submit(ask, client, "/terrain/alps", "PATCH", json={"title": "lost"})
        alive = []
        while not reading.done():
            alive.append(ask(client, "/health/live"))
            time.sleep(0.1)
        asked = [*reading.result(), writing.result()]
    assert statuses(asked) == {503: 21}
    assert slowest(asked) < 2 * 4, "one deadline, not one for each attempt"
    assert statuses(alive).keys() == {200}
    assert slowest(alive) < slowest(asked) / 2, "this one waits for nobody"
    proxy.set("pass")
    assert_heals(client)
    assert threading.active_count() <= threads + 2


def test_row_7_connections_that_went_silent_are_given_up_for_new_ones(
    warm: AppClient, proxy: FaultProxy
) -> None:
    proxy.set("freeze")
    asked = ask_at_once(warm, "/terrain", 20, 20)
    assert statuses(asked)[503] <= figure(warm, "ziggurat_pool_size")
    silent = figure(warm, "ziggurat_silent_connections_total")
    assert silent > 0
    assert statuses(ask_at_once(warm, "/terrain", 20, 20)) == {200: 20}
    assert figure(warm, "ziggurat_silent_connections_total") == silent, "nobody meets one any more"
    assert_heals(warm)


def test_row_7_a_change_that_meets_a_silent_connection_is_made_once(
    warm: AppClient, proxy: FaultProxy
) -> None:
    proxy.set("freeze")
    changed = ask(warm, "/terrain/alps", "PATCH", json={"title": "The Alps"})
    assert (changed.status, changed.answer.json()["title"]) == (200, "The Alps")
    assert_heals(warm)


def test_row_8_a_slow_network_is_waited_for_until_the_deadline(warm: AppClient, proxy: FaultProxy) -> None:
    proxy.set("pass", latency_s=0.1)
    assert statuses(ask_at_once(warm, "/terrain", 20, 20)) == {200: 20}
    proxy.set("pass", latency_s=1)
    asked = ask_at_once(warm, "/terrain", 20, 20)
    assert slowest(asked) < 2 * 5, "one deadline, not one for each attempt"
    proxy.set("pass")
    assert_heals(warm)
