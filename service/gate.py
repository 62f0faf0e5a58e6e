"""The gate before the request threads: so many work, so many wait, and others are sent away at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from anyio import CapacityLimiter, move_on_after

from service.errors import Overloaded


class Gate:
    """Lets requests pass in the order they come.

    Work that was to be done a while ago is no use to anybody: who has waited for too long is
    sent away, too, before it costs a thread or a connection.
    """

    def __init__(self, width: int, longest_queue: int) -> None:
        self._passed = CapacityLimiter(width)
        self._longest_queue = longest_queue

    @asynccontextmanager
    async def turn(self, until: float) -> AsyncIterator[None]:
        """A turn among those who work; it is waited for until then, in seconds of `time.monotonic`.

        Raises
        ------
        Overloaded
        """
        if self._passed.available_tokens < 1 and self.waiting >= self._longest_queue:
            raise Overloaded("too many requests wait already")
        with move_on_after(until - monotonic()) as patience:
            await self._passed.acquire()
        if patience.cancelled_caught:
            raise Overloaded("its turn did not come in time")
        try:
            yield
        finally:
            self._passed.release()

    @property
    def width(self) -> int:
        """Requests that may work at once."""
        return int(self._passed.total_tokens)

    @property
    def working(self) -> int:
        """Requests at work."""
        return self._passed.borrowed_tokens

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return self._passed.statistics().tasks_waiting
