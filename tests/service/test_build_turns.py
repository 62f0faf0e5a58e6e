"""One build among all processes on a catalogue, be they replicas, workers or commands, killed or frozen."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import httpx
import pytest
from sqlalchemy import update

from catalog.deadline import deadline
from catalog.errors import CatalogUnavailable
from catalog.models import BuildLease
from held_metric import METRICS, Hold, held_builds
from installations import Installation
from rest import add_golden, generation_count, problem_in, serve, until
from served import served

STATE = "/terrain/golden/pyramid/held"
LEVEL = f"{STATE}/1"
ASYNC = {"Prefer": "respond-async"}
LEVEL_1 = [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]]
SHORT = {"METRICS": METRICS, "LEASE_S": "2"}


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    with held_builds(tmp_path) as hold:
        yield hold


@pytest.fixture
def golden(installation: Installation) -> Installation:
    """The golden terrain, nothing built."""
    with serve(installation) as address, httpx.Client(base_url=address) as client:
        add_golden(installation, client)
    return installation


def start_worker(installation: Installation, stack: ExitStack, **settings: str) -> Popen[str]:
    process = stack.enter_context(installation.start("worker", LOG="json", **SHORT, **settings))
    stack.callback(process.kill)
    assert process.stderr is not None
    assert "builds what is wanted" in json.loads(process.stderr.readline())["event"]
    return process


def test_two_replicas_build_once_and_both_answer(golden: Installation, hold: Hold) -> None:
    with served(golden, **SHORT) as one, served(golden, **SHORT) as other, ThreadPoolExecutor() as pool:
        asked = [pool.submit(each.client.get, LEVEL) for each in (one, other, one, other)]
        until(hold.has_begun)
        until(lambda: all(each.client.get(STATE).json()["state"] == "building" for each in (one, other)))
        progress = other.client.get(STATE).json()["progress"]
        assert f"process {one.process.pid}" in progress["builder"] or (
            f"process {other.process.pid}" in progress["builder"]
        )
        assert (progress["attempt"], progress["eta_s"]) == (1, None)
        hold.open()
        answers = [each.result() for each in asked]
    assert [answer.json()["values"] for answer in answers] == [LEVEL_1] * 4
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert generation_count(golden) == 1


def test_a_replica_that_builds_nothing_leaves_it_to_a_worker(golden: Installation, hold: Hold) -> None:
    with ExitStack() as stack:
        replica = stack.enter_context(served(golden, BUILDS_PER_REPLICA="0", **SHORT))
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        time.sleep(0.5)
        assert not hold.has_begun(), "nobody is there who builds"
        worker = start_worker(golden, stack)
        until(hold.has_begun)
        assert f"process {worker.pid}" in replica.client.get(STATE).json()["progress"]["builder"]
        hold.open()
        assert replica.client.get(LEVEL).json()["values"] == LEVEL_1
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0


def test_a_worker_that_is_killed_is_followed_by_another(golden: Installation, hold: Hold) -> None:
    with ExitStack() as stack:
        replica = stack.enter_context(served(golden, BUILDS_PER_REPLICA="0", **SHORT))
        worker = start_worker(golden, stack)
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        until(hold.has_begun)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        hold.close()
        start_worker(golden, stack)
        until(hold.has_begun)
        assert replica.client.get(STATE).json()["progress"]["attempt"] == 2
        hold.open()
        assert replica.client.get(LEVEL).json()["values"] == LEVEL_1
    assert generation_count(golden) == 1


def test_a_worker_that_is_terminated_leaves_its_build_to_others_at_once(
    golden: Installation, hold: Hold
) -> None:
    with ExitStack() as stack:
        patient = SHORT | {"LEASE_S": "600"}  # nobody waits for that
        replica = stack.enter_context(served(golden, BUILDS_PER_REPLICA="0", **patient))
        leaving = start_worker(golden, stack)
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        until(hold.has_begun)
        leaving.send_signal(signal.SIGTERM)
        start_worker(golden, stack)
        hold.open()
        assert leaving.wait(60) == 0
        assert replica.client.get(LEVEL, headers={"Prefer": "wait=30"}).json()["values"] == LEVEL_1


def freeze(installation: Installation, process: Popen[str]) -> None:
    """Stop a process where it holds no lock of the catalogue: it tells of itself every now and then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        try:
            with (
                installation.house() as house,
                deadline(time.monotonic() + 2.0),
                house.database.write() as session,
            ):
                session.execute(update(BuildLease).values(host=BuildLease.host))
        except CatalogUnavailable:
            process.send_signal(signal.SIGCONT)
        else:
            return


def test_a_frozen_builder_that_comes_back_publishes_nothing(golden: Installation, hold: Hold) -> None:
    with ExitStack() as stack:
        replica = stack.enter_context(served(golden, BUILDS_PER_REPLICA="0", **SHORT))
        frozen = start_worker(golden, stack)
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        until(hold.has_begun)
        freeze(golden, frozen)
        hold.close()
        start_worker(golden, stack)
        until(hold.has_begun)
        hold.open()
        first = replica.client.get(LEVEL, headers={"Prefer": "wait=30"})
        assert first.json()["values"] == LEVEL_1
        frozen.send_signal(signal.SIGCONT)
        frozen.send_signal(signal.SIGTERM)
        frozen.wait(20)
        assert replica.client.get(LEVEL).headers["etag"] == first.headers["etag"]
    assert generation_count(golden) == 1


def test_a_build_is_called_off_in_whichever_process_it_is(golden: Installation, hold: Hold) -> None:
    with (
        served(golden, BUILDS_PER_REPLICA="0", **SHORT) as replica,
        ExitStack() as stack,
        ThreadPoolExecutor() as pool,
    ):
        start_worker(golden, stack)
        waiting = pool.submit(replica.client.get, LEVEL, headers={"Prefer": "wait=30"})
        until(hold.has_begun)
        assert replica.client.delete(f"{STATE}/build").status_code == 204
        hold.open()
        problem_in(waiting.result(), 409, "build-called-off")
        assert replica.client.get(STATE).json()["state"] == "absent"
        assert generation_count(golden) == 0
        assert replica.client.get(LEVEL, headers={"Prefer": "wait=30"}).json()["values"] == LEVEL_1


def test_the_command_line_shows_and_awaits_a_build_of_another_process(
    golden: Installation, hold: Hold
) -> None:
    with served(golden, **SHORT) as replica:
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        until(hold.has_begun)
        with golden.start("build", "golden", "--metric", "held", "--json", **SHORT) as command:
            time.sleep(0.5)
            assert command.poll() is None
            hold.open()
            stdout, _ = command.communicate(timeout=60)
    assert [each["state"] for each in json.loads(stdout)["pyramids"]] == ["ready"]
    assert generation_count(golden) == 1


def test_changes_of_a_build_are_events(golden: Installation, hold: Hold) -> None:
    with served(golden, **SHORT) as replica:
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        names: list[str] = []
        with replica.client.stream("GET", f"{STATE}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    names.append(line.removeprefix("event: "))
                    hold.open()
    assert names[0] == "building"
    assert names[-1] == "ready"
    with served(golden, **SHORT) as replica:
        problem_in(replica.client.get("/terrain/nowhere/pyramid/held/events"), 404)


def test_what_failed_is_remembered_by_all_and_tried_again_when_ordered(golden: Installation) -> None:
    away = golden.folder / "away.npy"
    (golden.tiles / "east.npy").rename(away)
    level, state = "/terrain/golden/pyramid/max/1", "/terrain/golden/pyramid/max"
    with served(golden) as one, served(golden) as other:
        problem_in(one.client.get(level), 502, "source-not-found")
        for _ in range(20):
            assert problem_in(other.client.get(level), 502, "source-not-found")["source"] == "east.npy"
        away.rename(golden.tiles / "east.npy")
        assert other.client.post(state, headers={"Prefer": "wait=20"}).json()["state"] == "ready"
        assert one.client.get(level).json()["values"] == LEVEL_1
