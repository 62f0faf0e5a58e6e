"""Many equal requests for a level that nobody has built, to several processes at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from threading import Barrier

import numpy as np

from benchmark.served import Service, command_of, served

PYRAMID = "/terrain/cold/pyramid/max"
LEVEL = f"{PYRAMID}/3?height=16&width=16"
WAIT = {"Prefer": "wait=120"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who asks whom, how often."""

    requests: int
    processes: int
    rounds: int
    cells: int
    """A side of the terrain."""


def compare_cold_requests(folder: Path, crowd: Crowd) -> str:
    """One request alone, and all of them, in turn: seconds until the last answer."""
    _add_terrain(folder, crowd.cells)
    alone: list[float] = []
    together: list[float] = []
    with ExitStack() as stack:
        services = [stack.enter_context(served(folder, {})) for _ in range(crowd.processes)]
        pool = stack.enter_context(ThreadPoolExecutor(crowd.requests))
        for number in range(-1, crowd.rounds):
            for count, times in ((1, alone), (crowd.requests, together)):
                _forget(services[0])
                took_s = _ask(pool, services, count)
                if number >= 0:  # the first ones open what stays open
                    times.append(took_s)
    one, all_of_them = median(alone), median(together)
    return (
        f"{crowd.cells} x {crowd.cells} cells, medians of {crowd.rounds} interleaved rounds: "
        f"one cold request {one:.2f} s, {crowd.requests} equal ones to {crowd.processes} processes "
        f"{all_of_them:.2f} s, "
        f"{all_of_them - one:.2f} s more. One build each time, all answers equal.\n"
    )


def _add_terrain(folder: Path, cells: int) -> None:
    heights = np.random.default_rng(1).integers(0, 4000, (cells, cells), np.int16)
    np.save(folder / "cold.npy", heights)
    for words in (("create", "cold"), ("add", "cold", "cold.npy", "--x", "0", "--y", "0")):
        command_of(folder, *words)


def _forget(service: Service) -> None:
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=120)) as connection:
        connection.request("DELETE", PYRAMID)
        connection.getresponse().read()


def _ask(pool: ThreadPoolExecutor, services: list[Service], count: int) -> float:
    """Seconds until the last of so many answers, which all have the same cells of the same generation."""
    together = Barrier(count + 1)

    def ask(service: Service) -> bytes:
        with closing(HTTPConnection("127.0.0.1", service.port, timeout=120)) as connection:
            connection.connect()
            together.wait()
            connection.request("GET", LEVEL, headers=WAIT)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise RuntimeError(content.decode())
            return content

    asked = [pool.submit(ask, services[number % len(services)]) for number in range(count)]
    together.wait()
    begun = time.perf_counter()
    answers = {each.result() for each in asked}
    took_s = time.perf_counter() - begun
    if len(answers) > 1:
        raise RuntimeError(f"{len(answers)} different answers")
    return took_s
