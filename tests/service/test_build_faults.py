"""Builds whose builders die, freeze, or are many; on each kind of catalogue, on a disk and in a bucket.

The numbers are rows of tests/service/faults/README.md. What is random is seeded: a test that fails shows
its seed, and `ZIGGURAT_TEST_ROUNDS` repeats it.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from threading import Barrier, Event

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from build_processes import ASYNC, LEVEL, LEVEL_1, SHORT, STATE, WAIT, freeze, start_worker, wake
from catalog.errors import CatalogUnavailable
from catalog.models import BuildLease
from held_metric import Hold
from installations import Installation
from oracle import OracleTile, paint
from raster.datatree import open_pyramid
from rest import add_golden, add_terrain, generation_count, serve, until
from served import Served, served
from service.build_turns import MOST_ATTEMPTS
from service.builds import build_pyramid
from service.collection import collect
from service.house import House

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("ZIGGURAT_TEST_ROUNDS", "1"))
SEED = int(os.environ.get("ZIGGURAT_TEST_SEED", "0")) or int(np.random.default_rng().integers(1, 10**6))
"""The same seed kills, freezes and asks after the same times."""


@pytest.fixture
def chance() -> Random:
    logging.getLogger(__name__).warning("ZIGGURAT_TEST_SEED=%s ZIGGURAT_TEST_ROUNDS=%s", SEED, ROUNDS)
    return Random(SEED)  # noqa: S311 - moments


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, installation: Installation) -> dict[str, str]:
    """The settings that name the store."""
    if request.param == "disk":
        return {"STORE_URL": str(installation.store_folder)}
    return {"STORE_URL": f"s3://{request.getfixturevalue('bucket')}/pyramids"}


WIDE = (3000, 4500)
"""Six shards, half a second of work and more."""


def wide_cells() -> np.ndarray:
    return np.random.default_rng(11).integers(-400, 4000, WIDE).astype(np.int16)


@pytest.fixture
def wide(installation: Installation) -> Installation:
    """A terrain that takes a while, nothing built."""
    np.save(installation.tiles / "wide.npy", wide_cells())
    with serve(installation) as address, httpx.Client(base_url=address) as client:
        add_terrain(client, "wide", {"url": "wide.npy", "x": 0, "y": 0})
    return installation


def test_row_19_two_hundred_cold_requests_to_four_processes_are_one_build(
    unbuilt: Installation, hold: Hold, store: dict[str, str]
) -> None:
    with ExitStack() as stack:
        replicas = [stack.enter_context(served(unbuilt, **SHORT, **store)) for _ in range(4)]
        pool = stack.enter_context(ThreadPoolExecutor(200))
        together = Barrier(200)

        def ask(replica: Served) -> httpx.Response:
            together.wait()
            while (answer := replica.client.get(LEVEL, headers=WAIT, timeout=90)).status_code == 503:
                time.sleep(int(answer.headers["retry-after"]))  # a busy machine
            return answer

        asked = [pool.submit(ask, replicas[number % 4]) for number in range(200)]
        stack.callback(hold.open)
        until(hold.has_begun)
        hold.open()
        answers = [each.result() for each in asked]
        state = replicas[0].client.get(STATE).json()
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert answers[0].json()["values"] == LEVEL_1
    assert state["generation"] == answers[0].json()["generation"]
    assert generation_count(unbuilt) == 1
    assert times_taken(unbuilt) == 1


def times_taken(installation: Installation) -> int:
    """How often somebody became the one that builds."""
    with installation.house() as house, house.database.read() as session:
        return session.scalars(select(BuildLease.fence)).one()


def test_row_20_a_builder_that_is_killed_at_any_moment_is_followed_by_another(
    wide: Installation, store: dict[str, str], chance: Random
) -> None:
    oracle = paint([OracleTile(0, 0, wide_cells())])
    with ExitStack() as stack:
        replica = stack.enter_context(served(wide, **SHORT, **store, BUILDS_PER_REPLICA="0"))
        for _ in range(ROUNDS):
            with watching(replica, oracle.extreme(5, "max")[0].tolist()):
                for _ in range(chance.randint(1, MOST_ATTEMPTS - 2)):
                    worker = start_worker(wide, stack, **store)
                    begun = partial(is_at_work_or_ready, replica, worker.pid)
                    until(begun)
                    time.sleep(chance.uniform(0, 0.8))
                    worker.kill()
                    worker.wait()
                worker = start_worker(wide, stack, **store)
                until(lambda: state_of(replica) == "ready")
                worker.kill()
            assert wide.run("verify", "wide", **store).code == 0
            assert replica.client.delete("/terrain/wide/pyramid/max").status_code == 204
    assert generation_count(wide) == ROUNDS


def state_of(replica: Served) -> str:
    state: str = replica.client.get("/terrain/wide/pyramid/max").json()["state"]
    return state


def is_at_work_or_ready(replica: Served, pid: int) -> bool:
    state = replica.client.get("/terrain/wide/pyramid/max").json()
    progress = state["progress"] or {}
    return state["state"] == "ready" or f"process {pid}" in (progress.get("builder") or "")


@contextmanager
def watching(replica: Served, expected: list[list[int]]) -> Iterator[None]:
    """Ask for a level all the time: it is not there yet, or it is right."""
    is_over = Event()

    def ask() -> int:
        seen = 0
        while not is_over.is_set():
            answer = replica.client.get("/terrain/wide/pyramid/max/5", headers={"Prefer": "wait=1"})
            assert answer.status_code in {200, 202}, answer.text
            if answer.status_code == 200:
                assert answer.json()["values"] == expected
                seen += 1
        return seen

    with ThreadPoolExecutor(2) as pool:
        watchers = [pool.submit(ask) for _ in range(2)]
        try:
            yield
            until(lambda: any(map(Future.done, watchers)) or state_of(replica) == "ready")
            assert replica.client.get("/terrain/wide/pyramid/max/5").json()["values"] == expected
        finally:
            is_over.set()
        for watcher in watchers:
            watcher.result()


def test_row_21_a_frozen_builder_that_comes_back_publishes_nothing_and_is_swept_up(
    unbuilt: Installation, hold: Hold, store: dict[str, str], chance: Random
) -> None:
    with ExitStack() as stack:
        replica = stack.enter_context(served(unbuilt, BUILDS_PER_REPLICA="0", **SHORT, **store))
        for number in range(ROUNDS):
            hold.close()
            frozen = start_worker(unbuilt, stack, **store)
            assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
            until(hold.has_begun)
            time.sleep(chance.uniform(0, 0.5))
            freeze(unbuilt, frozen)
            hold.close()
            other = start_worker(unbuilt, stack, **store)
            until(hold.has_begun)
            hold.open()
            first = replica.client.get(LEVEL, headers=WAIT)
            assert first.json()["values"] == LEVEL_1
            assert "nothing was published" in wake(frozen)
            assert replica.client.get(LEVEL).headers["etag"] == first.headers["etag"]
            other.terminate()
            other.wait()
            assert generation_count(unbuilt) == number + 1
            swept = unbuilt.run("gc", "--json", GRACE_S="0", **store)
            assert swept.code == 0, swept.stderr
            swept = unbuilt.run("gc", "--dry-run", "--json", GRACE_S="0", **store)
            assert swept.document["generations"] == []
            assert replica.client.get(LEVEL).json()["values"] == LEVEL_1
            replica.client.delete(STATE)


def test_row_22_a_build_that_takes_longer_than_its_lease_keeps_it(unbuilt: Installation, hold: Hold) -> None:
    quick = SHORT | {"LEASE_S": "1"}
    with served(unbuilt, **quick) as one, served(unbuilt, **quick) as other, ThreadPoolExecutor() as pool:
        asked = [pool.submit(each.client.get, LEVEL, headers=WAIT, timeout=90) for each in (one, other)]
        until(hold.has_begun)
        for _ in range(10):
            time.sleep(0.4)
            assert other.client.get(STATE).json()["progress"]["attempt"] == 1
        hold.open()
        assert [each.result().json()["values"] for each in asked] == [LEVEL_1] * 2
    assert generation_count(unbuilt) == 1


def test_row_24_a_client_that_leaves_does_not_end_the_build_it_began(
    unbuilt: Installation, hold: Hold
) -> None:
    with served(unbuilt, **SHORT) as replica:
        url = replica.client.base_url
        with socket.create_connection((url.host, url.port)) as client:
            client.sendall(f"GET {LEVEL} HTTP/1.1\r\nHost: {url.host}\r\nPrefer: wait=60\r\n\r\n".encode())
            until(hold.has_begun)
        time.sleep(0.5)  # it is noticed, if it is
        hold.open()
        until(lambda: replica.client.get(STATE).json()["state"] == "ready")
        assert replica.client.get(LEVEL).json()["values"] == LEVEL_1
    assert generation_count(unbuilt) == 1


GRACE_S = 3.0


def test_row_32_what_is_read_is_not_swept_away(
    installation: Installation, store: dict[str, str], chance: Random
) -> None:
    url, is_on_disk = store["STORE_URL"], not store["STORE_URL"].startswith("s3:")
    folder_readers = 10 if is_on_disk else 2  # to open a bucket takes half a second of a core
    # a busy machine is no reason to send a reader away here
    settings = {"grace_s": GRACE_S, "store_url": Path(url) if is_on_disk else url, "deadline_s": 30.0}
    with (
        serve(installation, **settings) as address,
        httpx.Client(base_url=address, timeout=30) as client,
        installation.house(**settings) as house,
        ThreadPoolExecutor(51) as pool,
    ):
        add_golden(installation, client)

        def make_anew() -> None:
            build_pyramid(house, "golden", "max", lambda done, total: None, again=True)

        make_anew()
        is_over = Event()
        readers = [
            *(
                pool.submit(read_service, client, chance.uniform(0.5, 2), is_over)
                for _ in range(50 - folder_readers)
            ),
            *(pool.submit(read_folder, f"{url}/golden/max", is_over) for _ in range(folder_readers)),
        ]
        sweeper = pool.submit(sweep_again_and_again, house, is_over)
        try:
            for _ in range(6 * ROUNDS):
                make_anew()
                time.sleep(chance.uniform(0, 1))
            until(lambda: sweeper.done() or len(list(house.store.list_hrefs())) == 1)
        finally:
            is_over.set()
        sweeper.result()
        assert all(reader.result() > 0 for reader in readers)
        assert client.get("/terrain/golden/pyramid/max/1").json()["values"] == LEVEL_1
    assert installation.run("verify", "golden", **store).code == 0


def read_service(client: httpx.Client, pause_s: float, is_over: Event) -> int:
    """Read a level now and then until it is over, which is right each time; how often."""
    seen = 0
    while not is_over.is_set():
        answer = client.get("/terrain/golden/pyramid/max/1")
        assert answer.status_code == 200, answer.text
        assert answer.json()["values"] == LEVEL_1
        seen += 1
        is_over.wait(pause_s)
    return seen


def read_folder(url: str, is_over: Event) -> int:
    """The same of the folder, without the service."""
    seen = 0
    while not is_over.is_set():
        opened = open_pyramid(url, level=1)
        time.sleep(GRACE_S / 4)  # others are published, and this one is swept up if it may be
        assert np.asarray(opened["elevation"]).tolist() == LEVEL_1
        seen += 1
    return seen


def sweep_again_and_again(house: House, is_over: Event) -> None:
    """Until it is over."""
    while not is_over.is_set():
        with suppress(CatalogUnavailable):  # of a busy machine; the service sweeps again, too
            collect(house, lambda done, total: None, dry_run=False)
        is_over.wait(0.3)
