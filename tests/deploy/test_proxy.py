"""The proxy as deploy/haproxy.cfg has it, in front of replicas: clients that send slowly end there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from select import select
from typing import Any

import httpx
import pytest

from installations import Installation, make_installation
from readme import ROOT
from rest import PROBLEM, serve
from served import served

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"

HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(HAPROXY is None, reason="needs haproxy; Debian's package of that name will do"),
]

SLOW_CLIENTS = 200

CUT_OFF_S = 9
"""Longer than the configured 5 s, shorter than the 15 s after which silence alone would end a connection."""


@contextmanager
def proxy(folder: Path, one: str, two: str) -> Iterator[str]:
    """A proxy for two replicas, given as host:port; its address."""
    assert HAPROXY is not None
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        number = listening.fileno()
        environment = {"LISTEN": f"fd@{number}", "REPLICA_1": one, "REPLICA_2": two}
        with (folder / "proxy.log").open("w") as log:
            process = subprocess.Popen(
                [HAPROXY, "-db", "-dW", "-f", CONFIGURATION],
                env=os.environ | environment,
                pass_fds=(number,),
                stdout=log,
                stderr=log,
            )
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def unused_address() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def address(installation: Installation) -> Iterator[str]:
    """A proxy before two replicas of one catalogue."""
    with (
        serve(installation) as one,
        serve(installation) as two,
        proxy(installation.folder, one.removeprefix("http://"), two.removeprefix("http://")) as address,
    ):
        yield address


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), timeout=CUT_OFF_S)


def told(connection: socket.socket) -> tuple[int, str]:
    """Status and whole text of what the proxy says before it closes the connection."""
    text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return int(text.split()[1]), text


@contextmanager
def slow_clients(address: str, beginning: bytes) -> Iterator[list[socket.socket]]:
    """Connections that have sent the beginning of a request."""
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(connect(address))) for _ in range(SLOW_CLIENTS)]
        for connection in connections:
            connection.sendall(beginning)
        yield connections


def test_clients_with_slow_heads_hold_nobody_up_and_are_cut_off(address: str) -> None:
    with (
        slow_clients(address, b"GET /terrain HTTP/1.1\r\nHost: 127.0.0.1\r\n") as slow,
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        assert [client.get("/terrain").status_code for _ in range(20)] == [200] * 20
        assert [told(connection)[0] for connection in slow] == [408] * SLOW_CLIENTS
        assert client.get("/terrain").status_code == 200


def test_a_head_that_goes_on_and_on_is_cut_off(tmp_path: Path) -> None:
    with proxy(tmp_path, unused_address(), unused_address()) as address, closing(connect(address)) as slow:
        slow.sendall(b"GET /terrain HTTP/1.1\r\n")
        last = time.monotonic() + CUT_OFF_S
        while not select([slow], [], [], 0.5)[0]:
            assert time.monotonic() < last
            slow.sendall(b"X-Slow: 1\r\n")
        assert told(slow)[0] == 408


def test_clients_with_slow_bodies_hold_nobody_up(address: str) -> None:
    head = b"POST /terrain HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    beginning = head + b"Content-Length: 1000000\r\n\r\n" + b" " * 20_000  # more than the proxy holds back
    with slow_clients(address, beginning), httpx.Client(base_url=f"http://{address}") as client:
        assert [client.get("/terrain").status_code for _ in range(20)] == [200] * 20


def test_a_body_that_does_not_come_is_the_proxys_to_wait_for(tmp_path: Path) -> None:
    with counting_replica() as replica, proxy(tmp_path, replica.address, replica.address) as address:
        with closing(connect(address)) as connection:
            connection.sendall(b"POST /terrain HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
            status, text = told(connection)
        assert status == 408
        assert PROBLEM in text
        assert not replica.asked


def test_a_body_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with counting_replica() as replica, proxy(tmp_path, replica.address, replica.address) as address:
        with closing(connect(address)) as connection:
            connection.sendall(b"POST /terrain HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n{")
            status, text = told(connection)
        assert status == 413
        assert PROBLEM in text
        assert not replica.asked


def test_a_replica_that_goes_away_is_not_noticed(installation: Installation) -> None:
    with serve(installation) as one, ExitStack() as other:
        two = other.enter_context(serve(installation))
        ends = one.removeprefix("http://"), two.removeprefix("http://")
        with (
            proxy(installation.folder, *ends) as address,
            httpx.Client(base_url=f"http://{address}") as client,
        ):
            assert client.get("/terrain").status_code == 200
            other.close()
            statuses = [client.get("/terrain").status_code for _ in range(20)]
    assert statuses == [200] * 20


def test_no_request_is_lost_when_replicas_are_replaced(installation: Installation) -> None:
    over = threading.Event()

    def keep_asking(address: str) -> list[int]:
        statuses = []
        with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
            while not over.is_set():
                statuses.append(client.get("/terrain").status_code)
        return statuses

    with served(installation, DRAIN_S="3") as one, served(installation, DRAIN_S="3") as two:
        ends = one.client.base_url.netloc.decode(), two.client.base_url.netloc.decode()
        with proxy(installation.folder, *ends) as address, ThreadPoolExecutor() as pool:
            clients = [pool.submit(keep_asking, address) for _ in range(3)]
            one.terminate()
            assert one.process.wait(60) == 0
            over.set()
            answers = [client.result() for client in clients]
    assert all(len(statuses) > 10 for statuses in answers)
    assert {status for statuses in answers for status in statuses} == {200}


@dataclass
class CountingReplica:
    """A replica that notes what it is asked."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    checks: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@contextmanager
def counting_replica(*, ready: bool = True) -> Iterator[CountingReplica]:
    """A replica that hangs up instead of answering, but for its health."""
    replica = CountingReplica()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/health/ready":
                self.send_response(200 if ready else 503)
                self.end_headers()
                replica.checks.release()
            else:
                replica.asked.append(self.path)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        replica.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield replica
        finally:
            server.shutdown()
            thread.join()


def test_what_was_sent_is_never_sent_twice(tmp_path: Path) -> None:
    with counting_replica() as replica, proxy(tmp_path, replica.address, replica.address) as address:
        answer = httpx.get(f"http://{address}/terrain")
    assert (answer.status_code, answer.headers["content-type"]) == (502, PROBLEM)
    assert replica.asked == ["/terrain"]


def test_a_replica_that_is_not_ready_is_asked_nothing(installation: Installation) -> None:
    with (
        counting_replica(ready=False) as leaving,
        serve(installation) as staying,
        proxy(installation.folder, leaving.address, staying.removeprefix("http://")) as address,
    ):
        for _ in range(3):
            assert leaving.checks.acquire(timeout=30)
        statuses = [httpx.get(f"http://{address}/terrain").status_code for _ in range(10)]
    assert statuses == [200] * 10
    assert not leaving.asked


def test_without_a_replica_clients_are_told_to_come_again(tmp_path: Path) -> None:
    with proxy(tmp_path, unused_address(), unused_address()) as address:
        answer = httpx.get(f"http://{address}/terrain")
    assert (answer.status_code, answer.json()["status"]) == (503, 503)
    assert answer.headers["content-type"] == PROBLEM
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics?a=b"])
def test_figures_are_not_for_clients(tmp_path: Path, path: str) -> None:
    with counting_replica() as replica, proxy(tmp_path, replica.address, replica.address) as address:
        answer = httpx.get(f"http://{address}{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert not replica.asked
