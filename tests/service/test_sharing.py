"""Equal work of many at once: done once, and never older than the question."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from asking import ask_at_once, statuses
from installations import Installation
from rest import add_golden, figure, open_client, until
from service.sharing import PATIENCE_S, Shared


class Work:
    """Ends when it is let; its outcome is its number."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Event] = []
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun.append(asyncio.Event())
        number = len(self.begun)
        await self.begun[-1].wait()
        if self.error is not None:
            raise self.error
        return number


async def settled() -> None:
    """Everybody has gone on as far as he could."""
    for _ in range(10):
        await asyncio.sleep(0)


def asking(shared: Shared, work: Work, count: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(shared.run("key", work)) for _ in range(count)]


def in_a_loop(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


def test_who_asks_while_one_is_at_it_shares_the_next_one_with_all_others() -> None:
    async def test() -> None:
        shared, work = Shared(), Work()
        first = asking(shared, work, 1)
        await settled()
        others = asking(shared, work, 50)
        await settled()
        assert len(work.begun) == 1
        work.begun[0].set()
        assert await first[0] == 1
        await settled()
        late = asking(shared, work, 1)
        await settled()
        assert len(work.begun) == 2, "the late one would get what was found before it asked"
        work.begun[1].set()
        assert set(await asyncio.gather(*others)) == {2}
        await settled()
        work.begun[2].set()
        assert await late[0] == 3

    in_a_loop(test())


def test_other_keys_wait_for_nobody() -> None:
    async def test() -> None:
        shared, work = Shared(), Work()
        both = [asyncio.create_task(shared.run(key, work)) for key in "ab"]
        await settled()
        assert len(work.begun) == 2
        for each in work.begun:
            each.set()
        assert await asyncio.gather(*both) == [1, 2]

    in_a_loop(test())


def test_an_error_is_everybodys_and_the_next_one_begins_anew() -> None:
    async def test() -> None:
        shared, work = Shared(), Work()
        work.error = KeyError("lost")
        asked = asking(shared, work, 3)
        await settled()
        work.begun[0].set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert found == [work.error] * 3
        work.error = None
        (again,) = asking(shared, work, 1)
        await settled()
        work.begun[1].set()
        assert await again == 2

    in_a_loop(test())


def test_who_leaves_takes_it_from_nobody() -> None:
    async def test() -> None:
        shared, work = Shared(), Work()
        leaving, staying = asking(shared, work, 2)
        await settled()
        leaving.cancel()
        await settled()
        work.begun[0].set()
        assert await staying == 1
        with pytest.raises(asyncio.CancelledError):
            await leaving

    in_a_loop(test())


def test_one_that_does_not_end_is_not_waited_for() -> None:
    async def test() -> None:
        shared, work = Shared(), Work()
        stuck = asking(shared, work, 1)
        await settled()
        (other,) = asking(shared, work, 1)
        await asyncio.sleep(0.5 * PATIENCE_S)
        assert len(work.begun) == 1
        await asyncio.sleep(PATIENCE_S)
        assert len(work.begun) == 2
        work.begun[1].set()
        assert await other == 2
        work.begun[0].set()
        assert await stuck[0] == 1

    in_a_loop(test())


def test_equal_requests_at_once_read_the_store_but_a_few_times(installation: Installation) -> None:
    level, free = "/terrain/golden/pyramid/max/1", threading.Event()
    with open_client(installation, request_threads=1) as client, ThreadPoolExecutor(2) as pool:
        add_golden(installation, client)
        assert client.get(level, headers={"Prefer": "wait=30"}).status_code == 200
        before = figure(client, "ziggurat_store_reads_total", outcome="read")
        try:
            busy = client.portal.start_task_soon(client.app.state.desk.run, free.wait)
            asking = pool.submit(ask_at_once, client, level, 40, 40)
            until(lambda: figure(client, "ziggurat_requests_in_flight") >= 40)
        finally:
            free.set()
        busy.result()
        assert statuses(asking.result()) == {200: 40}
        assert figure(client, "ziggurat_store_reads_total", outcome="read") - before <= 4
