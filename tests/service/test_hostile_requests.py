"""Requests that nobody sends by accident, to a process that really serves."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from catalog.repository.keys import Scope
from disclosed import disclosed
from hostile_bodies import hostile_bodies
from hostile_heads import hostile_heads
from hostile_rows import Hostile
from installations import Installation, make_installation
from raw_http import PATIENCE_S, RawAnswer, received, send_raw
from rest import PROBLEM, add_golden
from served import Served, served
from service.keys import issue_key


@dataclass(frozen=True)
class Besieged:
    """A service that requires keys to write, its installation, and a key."""

    service: Served
    installation: Installation
    key: str

    def send(self, hostile: Hostile) -> RawAnswer | None:
        request = hostile.request.replace(b"{key}", self.key.encode())
        return send_raw(self.service.client.base_url, request, hangs_up=None in hostile.statuses)


@pytest.fixture(scope="module")
def besieged(module_catalogue_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    installation = make_installation(tmp_path_factory.mktemp("besieged"), module_catalogue_url)
    with installation.house() as house:
        key = issue_key(house, "test", Scope.WRITE, None).text
    with served(installation, AUTH="keys", DRAIN_S="0") as service:
        service.client.headers["Authorization"] = f"Bearer {key}"
        add_golden(installation, service.client)
        assert service.client.get("/terrain/golden/pyramid/max/0").status_code == 200
        yield Besieged(service, installation, key)


@pytest.mark.parametrize("hostile", [*hostile_heads(), *hostile_bodies()], ids=lambda hostile: hostile.name)
def test_a_hostile_request_is_answered_as_one(besieged: Besieged, hostile: Hostile) -> None:
    known = len(besieged.service.lines)
    answer = besieged.send(hostile)
    if answer is None:
        assert None in hostile.statuses
    else:
        assert answer.status in hostile.statuses, answer.content
        assert_owed(besieged, answer, hostile)
    assert_unhurt(besieged, known)


def assert_unhurt(besieged: Besieged, known: int) -> None:
    """The service goes on, nothing was changed, and its log has learned of no defect."""
    alive = besieged.service.client.get("/terrain/golden")
    assert (alive.status_code, alive.json()["title"]) == (200, None)
    defects = [line for line in besieged.service.lines[known:] if line["level"] in {"error", "critical"}]
    assert defects == []


def assert_owed(besieged: Besieged, answer: RawAnswer, hostile: Hostile) -> None:
    """What every answer owes: an id, and of an error a problem that tells nothing of our inside."""
    request_id = answer.header("x-request-id")
    assert request_id
    assert all(value.isprintable() for _, value in answer.headers)
    if answer.status >= 400:
        assert answer.header("content-type") == PROBLEM
        problem = json.loads(answer.content)
        assert (problem["status"], problem["request_id"]) == (answer.status, request_id)
        for said in (answer.content.decode("ascii"), *(value for _, value in answer.headers)):
            assert disclosed(said, hostile.echoed) == []
            assert str(besieged.installation.folder) not in said


def test_nonsense_after_an_answer_ends_the_connection_and_is_no_defect(besieged: Besieged) -> None:
    url, known = besieged.service.client.base_url, len(besieged.service.lines)
    with socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_S) as connection:
        head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"1\r\nx\r\n")
        answer = received(connection)
        assert answer is not None
        assert answer.status == 401
        connection.sendall(b"nonsense\r\n")
        assert connection.recv(1) == b""
    assert_unhurt(besieged, known)
