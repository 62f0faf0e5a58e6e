"""A machine without threads or memory: 503, come again, and when it has them again all is well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from zarr.core.sync import cleanup_resources

from installations import Installation, make_installation
from rest import AppClient, add_golden, open_client, problem_in
from service.errors import ResourcesExhausted
from service.exhaustion import reporting_exhaustion

LEVEL = "/terrain/golden/pyramid/max/0"
NO_MACHINE_HAS = 2**47
"""Bytes of a stack: the whole address space."""


@contextmanager
def no_more_threads() -> Iterator[None]:
    """New threads cannot be started in this process; those that wait for work go on."""
    threading.stack_size(NO_MACHINE_HAS)
    try:
        yield
    finally:
        threading.stack_size(0)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service that has just started on a golden terrain, which is built; no thread waits for work yet."""
    with open_client(installation) as client:
        add_golden(installation, client)
        assert client.get(LEVEL).status_code == 200
    cleanup_resources()
    with open_client(installation) as client:
        yield client


def test_a_request_that_finds_no_thread_is_told_to_come_again(client: AppClient) -> None:
    with no_more_threads():
        answer = client.get("/terrain/golden")
        assert client.get("/health/live").status_code == 200
    assert problem_in(answer, 503, "resources-exhausted")["resource"] == "threads"
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert client.get("/terrain/golden").status_code == 200


def test_a_window_whose_reading_finds_no_thread_is_told_to_come_again(client: AppClient) -> None:
    assert client.get("/terrain/golden").status_code == 200, "the request itself was to have a thread"
    with no_more_threads():
        answer = client.get(LEVEL)
    problem_in(answer, 503, "resources-exhausted")
    assert answer.headers["retry-after"]
    assert client.get(LEVEL).status_code == 200
    assert client.get("/terrain/golden/pyramid/max").json()["state"] == "ready", "it was no damage"


def test_a_build_that_finds_no_thread_is_told_to_come_again(client: AppClient) -> None:
    assert client.get("/terrain/golden").status_code == 200
    with no_more_threads():
        answer = client.get("/terrain/golden/pyramid/min/0")
    problem_in(answer, 503, "resources-exhausted")
    assert client.get("/terrain/golden/pyramid/min/0").status_code == 200


def test_other_errors_stay_what_they_are() -> None:
    for error in (RuntimeError("another"), ValueError("can't start new thread")):
        with pytest.raises(type(error), match=str(error)), reporting_exhaustion():
            raise error
    with pytest.raises(ResourcesExhausted, match="no memory left"), reporting_exhaustion():
        raise MemoryError
