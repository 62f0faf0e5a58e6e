"""The cold rule and the change rule: one build for all, waits that end, updates that are no outage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pytest

from installations import Installation, make_installation
from rest import GOLDEN_LEVELS, add_golden, open_client, problem_in, serve
from service.builds import Progress, build_pyramid

LEVEL = "/terrain/golden/pyramid/max"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


class Held:
    """Builds that stop after their first shard until they are let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()
        self.count = 0

        def held(house: object, key: object, metric: str, on_shard: Progress) -> str:
            self.count += 1

            def on_shard_held(done: int, total: int) -> None:
                on_shard(done, total)
                self.begun.set()
                assert self.released.wait(30)

            return build_pyramid(house, key, metric, on_shard_held)  # type: ignore[arg-type]

        monkeypatch.setattr("service.build_desk.build_pyramid", held)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    builds = Held(monkeypatch)
    yield builds
    builds.released.set()


def generations(installation: Installation) -> list[str]:
    """Every pyramid on the disk."""
    return [path.name for path in (installation.folder / "pyramids").rglob("g*.zarr")]


def test_a_hundred_cold_requests_are_one_build(installation: Installation) -> None:
    with serve(installation) as address:
        with httpx.Client(base_url=address) as client:
            add_golden(client, installation)
        start = threading.Barrier(100)

        def ask(number: int) -> httpx.Response:
            start.wait()
            return httpx.get(f"{address}{LEVEL}/{number % 4}", timeout=60)

        with ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(ask, range(100)))
    assert [answer.status_code for answer in answers] == [200] * 100
    for number, answer in enumerate(answers):
        assert answer.json()["values"] == GOLDEN_LEVELS[number % 4]
    assert len({answer.headers["ziggurat-generation"] for answer in answers}) == 1
    assert len(generations(installation)) == 1


def test_a_slow_build_goes_on_and_tells_where(installation: Installation, held: Held) -> None:
    with open_client(installation) as client:
        add_golden(client, installation)
        answer = client.get(f"{LEVEL}/0", headers={"Prefer": "wait=1"})
        assert answer.status_code == 202
        assert answer.headers["location"] == LEVEL
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert answer.headers["preference-applied"] == "wait=1"
        body = answer.json()
        assert (body["state"], body["generation"]) == ("building", None)
        assert body["progress"] == {"shards_done": 1, "shards_total": 1}
        assert client.get(LEVEL).json()["state"] == "building"
        again = client.get(f"{LEVEL}/0", headers={"Prefer": "respond-async"})
        assert (again.status_code, again.headers["preference-applied"]) == (202, "respond-async")
        held.released.set()
        assert client.get(f"{LEVEL}/0").json()["values"] == GOLDEN_LEVELS[0]
    assert held.count == 1


def test_a_client_that_leaves_does_not_cancel_the_build(installation: Installation, held: Held) -> None:
    with serve(installation) as address, httpx.Client(base_url=address, timeout=0.5) as client:
        add_golden(client, installation)
        with pytest.raises(httpx.TimeoutException):
            client.get(f"{LEVEL}/0")
        assert held.begun.wait(10)
        held.released.set()
        answer = httpx.get(f"{address}{LEVEL}/0", timeout=30)
        assert answer.json()["values"] == GOLDEN_LEVELS[0]
    assert held.count == 1
    assert len(generations(installation)) == 1


def test_every_waiter_is_told_why_the_build_failed(installation: Installation) -> None:
    with open_client(installation) as client:
        add_golden(client, installation)
        (installation.tiles / "west.npy").unlink()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get(f"{LEVEL}/0"), range(8)))
    for answer in answers:
        assert problem_in(answer, 502)["source"] == "west.npy"
    assert generations(installation) == []


def test_health_answers_while_everything_is_busy(installation: Installation, held: Held) -> None:
    reading, released = threading.Semaphore(0), threading.Event()

    def wait_for_ever(*_: object) -> bytes:
        reading.release()
        assert released.wait(30)
        return b""

    with serve(installation) as address, httpx.Client(base_url=address, timeout=30) as client:
        add_golden(client, installation)
        client.get(f"{LEVEL}/0", headers={"Prefer": "respond-async"})
        assert held.begun.wait(10)
        with pytest.MonkeyPatch.context() as slow, ThreadPoolExecutor(12) as pool:
            slow.setattr("raster.sources.ranges.LocalRanges.read", wait_for_ever)
            asking = [
                pool.submit(httpx.get, f"{address}/terrain/tile/1/stats", timeout=60) for _ in range(12)
            ]
            for _ in range(installation.settings().request_threads):
                assert reading.acquire(timeout=10)
            live = httpx.get(f"{address}/health/live", timeout=10)
            with pytest.raises(httpx.TimeoutException):
                httpx.get(f"{address}/terrain", timeout=0.5)
            released.set()
            for answer in asking:
                problem_in(answer.result(), 422)
    assert (live.status_code, live.json()) == (200, {"status": "live"})


def test_an_update_is_answered_with_the_old_values_until_it_is_there(
    installation: Installation, held: Held
) -> None:
    held.released.set()
    with open_client(installation) as client:
        add_golden(client, installation)
        first = client.get(f"{LEVEL}/0").json()
        np.save(installation.tiles / "west.npy", np.full((5, 4), 90, np.int16))
        client.post("/terrain/golden/tile", json={"tiles": [{"url": "west.npy", "x": 0, "y": 0}]})
        assert client.get(LEVEL).json()["state"] == "stale"
        held.released.clear()
        stale = client.get(f"{LEVEL}/0", headers={"Prefer": "wait=0"})
        assert stale.status_code == 200
        assert stale.headers["ziggurat-state"] == "stale"
        assert stale.json() == first | {"state": "stale"}
        refused = client.get(f"{LEVEL}/0?stale=refuse", headers={"Prefer": "wait=0"})
        assert (refused.status_code, refused.headers["location"]) == (202, LEVEL)
        held.released.set()
        fresh = client.get(f"{LEVEL}/0").json()
        assert (fresh["state"], fresh["values"][0][:4]) == ("ready", [90] * 4)
        assert fresh["generation"] > first["generation"]
    assert held.count == 2


def test_an_update_that_fails_is_no_outage(installation: Installation) -> None:
    with open_client(installation) as client:
        add_golden(client, installation)
        assert client.get(f"{LEVEL}/0").json()["state"] == "ready"
        np.save(installation.tiles / "more.npy", np.zeros((2, 2), np.int16))
        client.post("/terrain/golden/tile", json={"tiles": [{"url": "more.npy", "x": 9, "y": 0}]})
        (installation.tiles / "more.npy").unlink()
        answer = client.get(f"{LEVEL}/0")
        assert (answer.status_code, answer.json()["state"]) == (200, "stale")
        assert answer.json()["values"] == GOLDEN_LEVELS[0]
        assert problem_in(client.get(f"{LEVEL}/0?stale=refuse"), 502)["source"] == "more.npy"
        state = client.get(LEVEL).json()
        assert (state["state"], state["failure"]["error"]) == ("stale", "SourceNotFound")


def test_a_terrain_that_is_deleted_while_it_is_built_leaves_nothing(
    installation: Installation, held: Held
) -> None:
    with open_client(installation) as client:
        add_golden(client, installation)
        client.get(f"{LEVEL}/0", headers={"Prefer": "respond-async"})
        assert held.begun.wait(10)
        assert client.delete("/terrain/golden").status_code == 204
        held.released.set()
        problem_in(client.get(f"{LEVEL}/0"), 404)
    assert generations(installation) == []


def test_a_service_that_stops_leaves_the_build_to_the_next_one(
    installation: Installation, held: Held
) -> None:
    with open_client(installation) as client:
        add_golden(client, installation)
        client.get(f"{LEVEL}/0", headers={"Prefer": "respond-async"})
        assert held.begun.wait(10)
        threading.Timer(0.3, held.released.set).start()
    with open_client(installation) as client:
        assert client.get(LEVEL).json()["state"] in {"absent", "ready"}
        assert client.get(f"{LEVEL}/0").json()["values"] == GOLDEN_LEVELS[0]
