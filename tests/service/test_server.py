"""The server as a process: what SIGTERM does to requests under way, and what it keeps from clients."""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import httpx
import numpy as np
import pytest

from installations import Installation, make_installation
from rest import add_golden, add_terrain, hold_catalogue, problem_in, until
from served import served

pytestmark = pytest.mark.long

STATE = "/terrain/golden/pyramid/max"
LEVEL = f"{STATE}/1"
LEVEL_1 = [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]]

SLOW_METRIC = """
import time
from raster.metrics.composable import Composable, Part
import numpy as np

def lift(cells):
    time.sleep(0.3)
    return cells

slow = Composable(
    name="slow", cell_methods="area: sum", parts={"sum": Part(lift=lift, unit="1")},
    finish=lambda parts: parts["sum"].astype(np.float64),
)
"""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


def is_ready(client: httpx.Client) -> bool:
    return client.get("/health/ready").is_success


def test_a_request_and_its_build_that_sigterm_meets_half_way_are_finished(installation: Installation) -> None:
    with served(installation, DRAIN_S="1") as service, ThreadPoolExecutor() as pool:
        client = service.client
        add_golden(installation, client)
        with hold_catalogue(installation):
            slow = pool.submit(client.get, LEVEL, headers={"Prefer": "wait=30"})
            until(lambda: client.get(STATE).json()["state"] == "building")
            service.terminate()
            until(lambda: not is_ready(client))
            problem_in(client.get("/health/ready"), 503, "not-ready")
            answer = client.get("/terrain")
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            assert client.get("/health/live").status_code == 200
            until(lambda: not service.is_listening())
            assert not slow.done()
            assert service.process.poll() is None
        assert slow.result().json()["values"] == LEVEL_1
        assert service.process.wait(20) == 0
    assert not list(installation.folder.glob("catalog.db-*")), "connections are closed"
    assert "terminated; no more requests are taken in 1 s" in service.events
    assert [line["level"] for line in service.lines if line["level"] not in {"info", "debug"}] == []
    (logged,) = [line for line in service.lines if "{level}" in line.get("route", "")]
    assert logged["status"] == 200


def test_clients_that_heed_readiness_lose_no_request(installation: Installation) -> None:
    elsewhere = threading.Event()
    with (
        served(installation, DRAIN_S="2") as service,
        ThreadPoolExecutor() as pool,
        ExitStack() as at_the_end,
    ):
        at_the_end.callback(elsewhere.set)
        answers: list[list[int]] = [[] for _ in range(4)]

        def keep_asking(statuses: list[int]) -> None:
            with httpx.Client(base_url=service.client.base_url, timeout=30) as client:
                while not elsewhere.is_set():
                    statuses.append(client.get("/terrain").status_code)

        clients = [pool.submit(keep_asking, statuses) for statuses in answers]
        until(lambda: all(len(statuses) > 10 for statuses in answers))
        service.terminate()
        until(lambda: not is_ready(service.client))
        time.sleep(0.3)  # who routes requests is never quite up to date
        elsewhere.set()
        for client in clients:
            client.result()
        assert service.process.wait(20) == 0
    assert {status for statuses in answers for status in statuses} == {200}


def test_who_waits_for_a_build_that_takes_too_long_is_told_to_come_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installation.folder / "slow_metric.py").write_text(SLOW_METRIC)
    monkeypatch.setenv("PYTHONPATH", str(installation.folder), prepend=":")
    np.save(installation.tiles / "large.npy", np.zeros((4200, 4200), dtype=np.int16))
    slow = {"METRICS": "slow_metric:slow", "BUILD_WORKERS": "1"}
    with served(installation, DRAIN_S="0", STOP_S="5", **slow) as service, ThreadPoolExecutor() as pool:
        add_terrain(service.client, "large", {"url": "large.npy", "x": 0, "y": 0})
        state = "/terrain/large/pyramid/slow"
        waiting = pool.submit(service.client.get, f"{state}/9", headers={"Prefer": "wait=60"})
        until(lambda: (service.client.get(state).json()["progress"] or {}).get("shards_done", 0) > 0)
        service.terminate()
        problem = problem_in(waiting.result(), 503, "build-cancelled")
        assert "shuts down" in problem["detail"]
        assert waiting.result().headers["retry-after"]
        assert service.process.wait(20) == 0
    assert [path for path in installation.stored_files() if "/c/" in path], "finished shards are kept"


def test_a_second_sigterm_ends_the_drain(installation: Installation) -> None:
    with served(installation, DRAIN_S="600") as service:
        service.terminate()
        until(lambda: not is_ready(service.client))
        assert service.process.poll() is None
        service.terminate()
        assert service.process.wait(20) == 0


def test_ctrl_c_does_not_drain(installation: Installation) -> None:
    with served(installation, DRAIN_S="600") as service:
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(20) == 0
    assert "Traceback" not in str(service.lines)


def test_a_request_that_never_ends_is_cut_off(installation: Installation) -> None:
    with served(installation, DRAIN_S="0", STOP_S="1") as service:
        url = service.client.base_url
        with socket.create_connection((url.host, url.port or 80)) as endless:
            head = "POST /terrain HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"
            endless.sendall(f"{head}{{".encode())
            time.sleep(0.2)
            service.terminate()
            assert service.process.wait(20) == 0


def test_the_server_does_not_say_what_it_is(installation: Installation) -> None:
    with served(installation, DRAIN_S="0") as service:
        assert "server" not in service.client.get("/terrain").headers


def test_a_head_that_goes_on_and_on_is_refused(installation: Installation) -> None:
    with served(installation, DRAIN_S="0") as service:
        assert service.client.get("/terrain", headers={"X-Long": "x" * 15_000}).status_code == 200
        url = service.client.base_url
        with socket.create_connection((url.host, url.port or 80), timeout=20) as endless:
            endless.sendall(b"GET /terrain HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000)
            assert endless.recv(2**16).startswith(b"HTTP/1.1 400")


def test_an_idle_connection_is_kept_for_longer_than_uvicorn_would(installation: Installation) -> None:
    with served(installation, DRAIN_S="0") as service:
        url = service.client.base_url
        with closing(HTTPConnection(url.host, url.port, timeout=20)) as idle:
            for pause_s in (5.5, 0):  # uvicorn's own number is 5
                idle.request("GET", "/health/live")
                assert idle.getresponse().read() == b'{"status":"live"}'
                time.sleep(pause_s)
