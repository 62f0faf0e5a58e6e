"""The one place where work on the catalogue is tried again: a connection that broke, a lock, a deadlock."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from anyio import sleep

from catalog.errors import CatalogUnavailable

T = TypeVar("T")

logger = logging.getLogger(__name__)

ATTEMPTS = 4
"""A server that refuses connections is told of in a third of a second."""

TRIED_FOR_S = 1.5
"""No further attempt begins so long after the first one: the client had better be told to come again."""

FIRST_PAUSE_S = 0.05
"""Doubled from attempt to attempt."""


async def try_again(attempt: Callable[[], Awaitable[T]]) -> T:
    """The outcome of the first attempt that meets no trouble of the catalogue which may be over at once.

    Nobody holds a thread or a connection in between.

    Raises
    ------
    CatalogUnavailable
        The trouble is not over, or something may have been changed.
    Whatever else an attempt raises.
    """
    ends = time.monotonic() + TRIED_FOR_S
    for number in range(1, ATTEMPTS):
        pause = _pause_after(number)
        try:
            return await attempt()
        except CatalogUnavailable as error:
            if not error.is_retryable or time.monotonic() + pause > ends:
                raise
            logger.info("once more in %.2f s: %s", pause, error)
        await sleep(pause)
    return await attempt()


def _pause_after(attempt_number: int) -> float:
    """Seconds; spread, so that those who were thrown out together do not come back together."""
    longest = FIRST_PAUSE_S * 2 ** (attempt_number - 1)
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret
