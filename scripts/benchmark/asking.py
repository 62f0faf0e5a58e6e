"""Clients that ask one address after the other, each over a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Barrier

import numpy as np

from benchmark.served import Service


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and the zoom it is of."""

    zoom: int
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how long it took."""

    zoom: int
    wall_s: float
    content: bytes


@dataclass(frozen=True, slots=True)
class Pass:
    """All questions asked once, by all clients together."""

    wall_s: float
    cpu_s: float
    """Of the service alone."""

    answers: tuple[Answer, ...]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.wall_s

    @property
    def cpu_ms(self) -> float:
        """Of one answer."""
        return 1000 * self.cpu_s / len(self.answers)

    @property
    def kilobytes(self) -> float:
        """Of one answer."""
        return sum(len(each.content) for each in self.answers) / len(self.answers) / 1000

    def percentile_ms(self, percent: float) -> float:
        """Of an answer's time."""
        return 1000 * float(np.percentile([each.wall_s for each in self.answers], percent))

    def of_zoom(self, zoom: int) -> Pass:
        """The answers of one zoom; times of the whole."""
        return Pass(self.wall_s, self.cpu_s, tuple(each for each in self.answers if each.zoom == zoom))


def ask_all(service: Service, questions: Sequence[Question], clients: int) -> Pass:
    """Every question once; each client asks its part, one after the other."""
    together = Barrier(clients + 1)

    def ask_part(part: Sequence[Question]) -> list[Answer]:
        with closing(HTTPConnection("127.0.0.1", service.port, timeout=120)) as connection:
            connection.connect()
            together.wait()
            return [_ask(connection, question) for question in part]

    with ThreadPoolExecutor(clients) as pool:
        parts = [pool.submit(ask_part, questions[number::clients]) for number in range(clients)]
        before = service.cpu_s()
        together.wait()
        begun = time.perf_counter()
        answers = tuple(answer for part in parts for answer in part.result())
        wall_s = time.perf_counter() - begun
    return Pass(wall_s, service.cpu_s() - before, answers)


def _ask(connection: HTTPConnection, question: Question) -> Answer:
    begun = time.perf_counter()
    connection.request("GET", question.path)
    answer = connection.getresponse()
    content = answer.read()
    wall_s = time.perf_counter() - begun
    if answer.status != 200:
        raise RuntimeError(f"{question.path}: {answer.status} {content[:400]!r}")
    return Answer(question.zoom, wall_s, content)
