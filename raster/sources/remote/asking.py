"""Asking servers again, within a bounded time: the one layer that does so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import SystemRandom
from typing import TypeVar

from raster.errors import SourceTooSlow
from raster.sources.remote.answers import Again
from raster.sources.remote.policy import Patience

T = TypeVar("T")


class Clock:
    """When an answer is due: bytes that come earn more time."""

    def __init__(self, patience: Patience, timeout: asyncio.Timeout) -> None:
        self._patience = patience
        self._timeout = timeout

    def earn(self, byte_count: int) -> None:
        """Some bytes have come."""
        due = self._timeout.when()
        if due is not None:
            self._timeout.reschedule(due + byte_count / self._patience.least_bytes_per_s)


async def ask_patiently(patience: Patience, url: str, ask: Callable[[Clock], Awaitable[T]]) -> T:
    """Ask up to `attempts` times in the time there is, with pauses of random length between.

    Raises
    ------
    SourceError
    """
    try:
        async with asyncio.timeout(patience.answer_s) as timeout:
            for attempt in range(1, patience.attempts):
                try:
                    return await ask(Clock(patience, timeout))
                except Again as again:
                    pause_s = again.pause_s
                    if pause_s is None:
                        pause_s = SystemRandom().uniform(0, patience.pause_s * 2 ** (attempt - 1))
                    if pause_s > patience.longest_pause_s:
                        raise again.told from again
                await asyncio.sleep(pause_s)
            try:
                return await ask(Clock(patience, timeout))
            except Again as again:
                raise again.told from again
    except TimeoutError as error:
        raise SourceTooSlow(url, "its server does not answer in time") from error
