"""Many requests at once, and what every answer owes while something is broken."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from rest import Client, figure, problem_in, until

HEALED_WITHIN_S = 15.0
"""More than the longest pause of ours after a failure, on a machine that others use, too."""


@dataclass(frozen=True)
class Asked:
    """A request and how long its answer took, in seconds."""

    answer: httpx.Response
    seconds: float

    @property
    def status(self) -> int:
        return self.answer.status_code


def ask(client: Client, path: str, method: str = "GET", **options: object) -> Asked:
    """Ask once. Success, or 503 that says when to come again, and nothing else."""
    begun = time.perf_counter()
    answer = client.request(method, path, **options)  # type: ignore[arg-type]
    asked = Asked(answer, time.perf_counter() - begun)
    if not answer.is_success:
        problem_in(answer, 503)
        assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert answer.headers["x-request-id"]
    return asked


def ask_at_once(client: Client, path: str, times: int, at_once: int) -> list[Asked]:
    """Ask so often, by so many clients."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: ask(client, path), range(times)))


def statuses(asked: Sequence[Asked]) -> Counter[int]:
    return Counter(each.status for each in asked)


def slowest(asked: Sequence[Asked]) -> float:
    return max(each.seconds for each in asked)


def assert_heals(client: Client, path: str = "/terrain", method: str = "GET", **options: object) -> None:
    """What was broken is whole again: soon there is an answer, and nobody is at work any more."""
    deadline = time.monotonic() + HEALED_WITHIN_S
    while not ask(client, path, method, **options).answer.is_success:
        assert time.monotonic() < deadline
    until(lambda: figure(client, "ziggurat_request_threads_busy") == 0)
    until(lambda: figure(client, "ziggurat_pool_in_use") == 0)
