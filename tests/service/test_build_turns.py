"""One build among all processes on a catalogue, be they replicas, workers or commands, killed or frozen."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from build_processes import ASYNC, LEVEL, LEVEL_1, SHORT, STATE, start_worker
from held_metric import Hold
from installations import Installation
from rest import generation_count, problem_in, until
from served import served

pytestmark = pytest.mark.long


def test_a_replica_that_builds_nothing_leaves_it_to_a_worker(unbuilt: Installation, hold: Hold) -> None:
    with ExitStack() as stack:
        replica = stack.enter_context(served(unbuilt, BUILDS_PER_REPLICA="0", **SHORT))
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        time.sleep(0.5)
        assert not hold.has_begun(), "nobody is there who builds"
        worker = start_worker(unbuilt, stack)
        until(hold.has_begun)
        assert f"process {worker.pid}" in replica.client.get(STATE).json()["progress"]["builder"]
        hold.open()
        assert replica.client.get(LEVEL).json()["values"] == LEVEL_1
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0


def test_row_25_a_worker_that_is_terminated_leaves_its_build_to_others_at_once(
    unbuilt: Installation, hold: Hold
) -> None:
    with ExitStack() as stack:
        patient = SHORT | {"LEASE_S": "600"}  # nobody waits for that
        replica = stack.enter_context(served(unbuilt, BUILDS_PER_REPLICA="0", **patient))
        leaving = start_worker(unbuilt, stack, LEASE_S="600")
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        until(hold.has_begun)
        leaving.send_signal(signal.SIGTERM)
        start_worker(unbuilt, stack)
        hold.open()
        assert leaving.wait(60) == 0
        assert replica.client.get(LEVEL, headers={"Prefer": "wait=30"}).json()["values"] == LEVEL_1


def test_a_build_is_called_off_in_whichever_process_it_is(unbuilt: Installation, hold: Hold) -> None:
    with (
        served(unbuilt, BUILDS_PER_REPLICA="0", **SHORT) as replica,
        ExitStack() as stack,
        ThreadPoolExecutor() as pool,
    ):
        start_worker(unbuilt, stack)
        waiting = pool.submit(replica.client.get, LEVEL, headers={"Prefer": "wait=30"})
        until(hold.has_begun)
        assert replica.client.delete(f"{STATE}/build").status_code == 204
        hold.open()
        problem_in(waiting.result(), 409, "build-called-off")
        assert replica.client.get(STATE).json()["state"] == "absent"
        assert generation_count(unbuilt) == 0
        assert replica.client.get(LEVEL, headers={"Prefer": "wait=30"}).json()["values"] == LEVEL_1


def test_the_command_line_shows_and_awaits_a_build_of_another_process(
    unbuilt: Installation, hold: Hold
) -> None:
    with served(unbuilt, **SHORT) as replica:
        assert replica.client.get(LEVEL, headers=ASYNC).status_code == 202
        until(hold.has_begun)
        with unbuilt.start("build", "golden", "--metric", "held", "--json", **SHORT) as command:
            time.sleep(0.5)
            assert command.poll() is None
            hold.open()
            stdout, _ = command.communicate(timeout=60)
    assert [each["state"] for each in json.loads(stdout)["pyramids"]] == ["ready"]
    assert generation_count(unbuilt) == 1


def test_changes_of_a_build_are_events(unbuilt: Installation, hold: Hold) -> None:
    with served(unbuilt, **SHORT) as replica:
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
    with served(unbuilt, **SHORT) as replica:
        problem_in(replica.client.get("/terrain/nowhere/pyramid/held/events"), 404)


def test_row_26_what_failed_is_remembered_by_all_and_tried_again_when_ordered(unbuilt: Installation) -> None:
    away = unbuilt.folder / "away.npy"
    unbuilt.tile_file("east.npy").rename(away)
    level, state = "/terrain/golden/pyramid/max/1", "/terrain/golden/pyramid/max"
    with served(unbuilt) as one, served(unbuilt) as other:
        problem_in(one.client.get(level), 502, "source-not-found")
        for _ in range(20):
            assert problem_in(other.client.get(level), 502, "source-not-found")["source"] == "east.npy"
        away.rename(unbuilt.tile_file("east.npy"))
        assert other.client.post(state, headers={"Prefer": "wait=20"}).json()["state"] == "ready"
        assert one.client.get(level).json()["values"] == LEVEL_1
