"""Those who ask: a client of the service that keeps its connection, and psycopg with `json.dumps`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from benchmark.questions import Question

Ask = Callable[[Question], bytes]
"""Asks, and waits for the whole answer."""

Connect = Callable[[], Any]
"""Opens a connection: a context manager of an `Ask`."""


class BareSql:
    """The yardstick: one statement and JSON of its rows, no more."""

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection

    def __call__(self, question: Question) -> bytes:
        rows = self._connection.execute(question.sql, question.parameters).fetchall()
        return json.dumps(rows, default=str).encode()


@contextmanager
def bare_sql(conninfo: str) -> Iterator[Ask]:
    """A connection to the database alone."""
    # nothing is prepared by the service either: a pooler may stand between
    with psycopg.connect(
        conninfo, autocommit=True, row_factory=dict_row, prepare_threshold=None
    ) as connection:
        yield BareSql(connection)


@contextmanager
def service_at(port: int) -> Iterator[Ask]:
    """A connection to the service on loopback."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:

        def ask(question: Question) -> bytes:
            connection.request("GET", question.path)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{question.path}: {answer.status} {content!r}")
            return content

        yield ask


def latencies(ask: Ask, question: Question, times: int) -> list[float]:
    """Seconds that each of so many answers took, one after the other."""
    return [_seconds(ask, question) for _ in range(times)]


def throughput(connect: Connect, question: Question, clients: int, seconds: float) -> float:
    """Answers a second that clients got together, each of which asks again at once."""
    with ExitStack() as stack:
        asks = [stack.enter_context(connect()) for _ in range(clients)]
        workers = stack.enter_context(ThreadPoolExecutor(clients))
        started = time.perf_counter()
        ends_at = started + seconds
        counts = [workers.submit(_ask_until, ends_at, ask, question) for ask in asks]
        total = sum(count.result() for count in counts)
        return total / (time.perf_counter() - started)


def _ask_until(ends_at: float, ask: Ask, question: Question) -> int:
    count = 0
    while time.perf_counter() < ends_at:
        ask(question)
        count += 1
    return count


def _seconds(ask: Ask, question: Question) -> float:
    started = time.perf_counter()
    ask(question)
    return time.perf_counter() - started
