"""Turns to connect: when nobody gets through, few try."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import OperationalError

from catalog.reconnecting import LONGEST_PAUSE_S, NotYet, Turns


class Server:
    """A dialect, as far as turns know it."""

    def __init__(self) -> None:
        self.is_there = False
        self.asked = 0

    def connect(self) -> str:
        self.asked += 1
        if not self.is_there:
            raise OperationalError("refused\nby all")
        return "connected"


def connect(turns: Turns, server: Any) -> object:
    return turns.connect(server, None, (), {})  # type: ignore[arg-type]


def test_one_attempt_fails_for_all_until_the_next_one_is_due() -> None:
    turns, server = Turns(), Server()
    with pytest.raises(OperationalError, match="refused"):
        connect(turns, server)
    with pytest.raises(NotYet, match=r"a moment ago: refused$") as told:
        connect(turns, server)
    assert 0 < told.value.wait_s <= LONGEST_PAUSE_S
    assert server.asked == 1
    server.is_there = True
    time.sleep(told.value.wait_s)
    assert [connect(turns, server) for _ in range(5)] == ["connected"] * 5


def test_a_server_that_is_away_is_asked_twice_a_second() -> None:
    turns, server = Turns(), Server()

    def try_for_two_seconds(_: int) -> None:
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            with pytest.raises(OperationalError):
                connect(turns, server)
            time.sleep(0.005)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(try_for_two_seconds, range(4)))
    # four who tried at once, pauses of 0.1, 0.2, 0.4 and then of 0.5 to 0.6 s
    assert 4 <= server.asked <= 12


def test_while_nothing_fails_everybody_connects() -> None:
    turns, server = Turns(), Server()
    server.is_there = True
    assert [connect(turns, server) for _ in range(20)] == ["connected"] * 20
