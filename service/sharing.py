"""Equal work of many requests at once: done once for all who asked before it began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 1.0
"""For a run that began before one asked; whoever it keeps for longer does not wait for its end."""


class Shared:
    """Runs what many ask for at once. For one event loop.

    Nobody gets the outcome of a run that began before he asked: what he has changed himself is in it.
    So while one run is under way, all who come meanwhile share the next one. Who leaves does not end it.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, asyncio.Task[Any]] = {}
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, function: Callable[[], Awaitable[T]]) -> T:
        """The outcome of `function`, or of the one that somebody else gave under the same key.

        Raises
        ------
        Whatever the function raises.
        """
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._run(key, function))
            task.add_done_callback(_hear_out)
        await asyncio.wait({task})
        error = task.exception()
        if error is not None:
            # one error for all who wait: each of them would make its traceback longer
            raise error.with_traceback(None)
        outcome: T = task.result()
        return outcome

    async def _run(self, key: Hashable, function: Callable[[], Awaitable[T]]) -> T:
        before, task = self._running.get(key), self._waiting[key]
        if before is not None:
            await asyncio.wait({before}, timeout=PATIENCE_S)
        del self._waiting[key]
        self._running[key] = task
        try:
            return await function()
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _hear_out(task: asyncio.Task[Any]) -> None:
    """An error is no news to asyncio when all who asked have left."""
    if not task.cancelled():
        task.exception()
