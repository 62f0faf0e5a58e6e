"""The gate: so many work, so many wait in order, others are sent away."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from asking import ask_at_once, statuses
from installations import Installation
from rest import add_terrain, figure, open_client
from service.errors import Overloaded
from service.gate import Gate


async def settle() -> None:
    """Let everybody who can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_comes_first_is_served_first_and_who_finds_a_full_queue_is_sent_away() -> None:
    async def play() -> None:
        gate, order, go = Gate(width=1, longest_queue=2), [], asyncio.Event()

        async def work(name: str) -> None:
            async with gate.turn(monotonic() + 30):
                order.append(name)
                await go.wait()

        others = [asyncio.create_task(work(name)) for name in "abc"]
        await settle()
        assert (gate.working, gate.waiting) == (1, 2)
        with pytest.raises(Overloaded, match="wait already"):
            await work("d")
        go.set()
        await asyncio.gather(*others)
        assert order == ["a", "b", "c"]
        assert (gate.working, gate.waiting) == (0, 0)
        await work("e")

    asyncio.run(play())


def test_who_has_waited_for_too_long_is_sent_away() -> None:
    async def play() -> None:
        gate = Gate(width=1, longest_queue=2)

        async def work(patience_s: float) -> None:
            async with gate.turn(monotonic() + patience_s):
                pass

        async with gate.turn(monotonic() + 30):
            with pytest.raises(Overloaded, match="in time"):
                await asyncio.create_task(work(0.02))
            assert (gate.working, gate.waiting) == (1, 0)
        await work(30)

    asyncio.run(play())


def test_whoever_leaves_the_queue_leaves_no_gap() -> None:
    async def play() -> None:
        gate = Gate(width=1, longest_queue=1)

        async def work() -> None:
            async with gate.turn(monotonic() + 30):
                pass

        async with gate.turn(monotonic() + 30):
            gone = asyncio.create_task(work())
            await settle()
            gone.cancel()
            await settle()
            assert gate.waiting == 0
        await work()

    asyncio.run(play())


def test_a_healthy_burst_of_fifty_clients_sheds_nothing(installation: Installation) -> None:
    with open_client(installation) as client:
        add_terrain(client, "alps")
        assert statuses(ask_at_once(client, "/terrain/alps", 300, 50)) == {200: 300}
        assert figure(client, "ziggurat_sheds_total") == 0
