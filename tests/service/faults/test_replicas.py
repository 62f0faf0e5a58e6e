"""Replicas as processes: far too many requests for one, and two that are replaced one after the other."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from threading import Event

import httpx
import pytest

from asking import assert_heals
from faultproxy import FaultProxy
from installations import Installation
from rest import until
from served import Served, served

pytestmark = pytest.mark.long

SLOW = {"REQUEST_THREADS": "4", "REQUEST_QUEUE": "8"}

CLIENTS = 80
AGAIN_S = 0.5
"""A client that is sent away asks again so soon: that is a hundred and forty a second."""


MEASURED = 8
"""Requests that are served, over which is told how many are in a second."""


@dataclass
class Load:
    """What clients saw so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each request that was served."""
    refused_seconds: list[float] = field(default_factory=list)
    served_at: list[float] = field(default_factory=list)

    def served_a_second(self) -> float:
        """How many were, over the last of them."""
        last = self.served_at[-MEASURED:]
        return (len(last) - 1) / (last[-1] - last[0])


async def load(address: str, clients: int, seen: Load, is_over: Callable[[], bool]) -> None:
    """So many clients, each of which asks again as soon as it may."""
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=address, timeout=30, limits=limits) as client:

        async def ask_again_and_again() -> None:
            while not is_over():
                begun = time.monotonic()
                answer = await client.get("/terrain?limit=1")
                seen.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    seen.served_at.append(time.monotonic())
                    seen.seconds.append(seen.served_at[-1] - begun)
                else:
                    seen.refused_seconds.append(time.monotonic() - begun)
                    seen.without_retry_after += "retry-after" not in answer.headers
                    await asyncio.sleep(AGAIN_S)

        await asyncio.gather(*(ask_again_and_again() for _ in range(clients)))


def load_until_served(address: str, clients: int, times: int) -> Load:
    """What clients saw until so many of their requests were served."""
    seen = Load()
    asyncio.run(load(address, clients, seen, lambda: len(seen.served_at) >= times))
    return seen


def test_row_46_under_twenty_times_the_load_as_much_is_served_as_without(
    installation: Installation, proxy: FaultProxy
) -> None:
    # a request takes six tenths of a second whatever the machine does: four threads serve seven a second
    proxy.set("pass", latency_s=0.15)
    with served(installation, STALE_PAGE_S="0", **SLOW) as service, ThreadPoolExecutor(1) as pool:
        address = str(service.client.base_url)
        load_until_served(address, 4, 4)
        alone = load_until_served(address, 4, MEASURED)
        assert alone.statuses.keys() == {200}
        crowd, is_over = Load(), Event()
        overloading = pool.submit(asyncio.run, load(address, CLIENTS, crowd, is_over.is_set))
        try:
            goodput = 0.8 * alone.served_a_second()
            until(lambda: len(crowd.served_at) > MEASURED and crowd.served_a_second() >= goodput)
            until(lambda: service.client.get("/health/live").elapsed.total_seconds() < 0.5)
        finally:
            is_over.set()
        overloading.result()
        assert crowd.statuses.keys() == {200, 503}
        assert crowd.without_retry_after == 0
        # who is sent away is sent at once, and does not wait as long as those whose turn comes
        assert median(crowd.refused_seconds) < median(crowd.seconds)
        until(lambda: load_until_served(address, 1, 1).seconds[0] < 2 * min(alone.seconds))
        assert_heals(service.client)


@dataclass
class RoundRobin:
    """Asks replicas in turn; one that does not take the connection is passed over."""

    addresses: list[str]
    statuses: Counter[int] = field(default_factory=Counter)

    def ask_until(self, is_over: Event) -> None:
        with httpx.Client(timeout=30) as client:
            for number in count():
                if is_over.is_set():
                    return
                self.statuses[self._ask(client, number)] += 1

    def lose(self, replica: Served) -> None:
        """Terminate a replica, and leave it out when it says that it is not ready, as routers do."""
        replica.terminate()
        until(lambda: not replica.client.get("/health/ready").is_success)
        self.addresses = [each for each in self.addresses if each != str(replica.client.base_url)]
        assert replica.process.wait(20) == 0

    def _ask(self, client: httpx.Client, number: int) -> int:
        for turn in range(100):
            addresses = self.addresses
            try:
                address = addresses[(number + turn) % len(addresses)]
                return client.get(f"{address}/terrain?limit=1").status_code
            except httpx.ConnectError:
                time.sleep(0.01)
        raise AssertionError("nobody takes a connection")


@pytest.fixture
def two(installation: Installation) -> Iterator[list[Served]]:
    with served(installation, DRAIN_S="3") as one, served(installation, DRAIN_S="1") as other:
        yield [one, other]


def test_row_47_replacing_replicas_under_load_fails_no_request(
    two: list[Served], installation: Installation
) -> None:
    clients = RoundRobin([str(replica.client.base_url) for replica in two])
    is_over = Event()
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(clients.ask_until, is_over) for _ in range(4)]
        try:
            until(lambda: clients.statuses[200] > 20)
            clients.lose(two[0])
            with served(installation, DRAIN_S="3") as replacement:
                clients.addresses = [str(replacement.client.base_url), *clients.addresses]
                clients.lose(two[1])
                served_before = clients.statuses[200]
                until(lambda: clients.statuses[200] > served_before + 20)
                is_over.set()
                for each in asking:
                    each.result()
        finally:
            is_over.set()
    assert clients.statuses.keys() == {200}
