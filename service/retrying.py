"""The one place where work on the catalogue is tried again: a connection that broke, a lock, a deadlock."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from random import SystemRandom
from time import monotonic
from typing import TypeVar

from anyio import sleep

from catalog.errors import CatalogUnavailable
from service.tally import RETRIES, Tally

T = TypeVar("T")

logger = logging.getLogger(__name__)

ATTEMPTS = 4
"""A server that refuses connections is told of within a second."""

FIRST_PAUSE_S = 0.05
"""Doubled from attempt to attempt."""


async def try_again(attempt: Callable[[], Awaitable[T]], until: float, tally: Tally) -> T:
    """The outcome of the first attempt that meets no trouble of the catalogue which may be over at once.

    Nobody holds a thread or a connection in between.

    Parameters
    ----------
    until : float
        No further attempt begins later, in seconds of `time.monotonic`.

    Raises
    ------
    CatalogUnavailable
        The trouble is not over, or something may have been changed.
    Whatever else an attempt raises.
    """
    has_waited = False
    for number in range(1, ATTEMPTS):
        try:
            return await attempt()
        except CatalogUnavailable as error:
            pause = error.wait_s + _pause_after(number)
            # nobody waits for his turn to connect twice: the server is away
            is_hopeless = has_waited and error.wait_s > 0
            if is_hopeless or not error.is_retryable or monotonic() + pause > until:
                raise
            has_waited = has_waited or error.wait_s > 0
            logger.info("once more in %.2f s: %s", pause, error)
            tally.add(RETRIES, error.cause.value)
        await sleep(pause)
    return await attempt()


def _pause_after(attempt_number: int) -> float:
    """Seconds; spread, so that those who were thrown out together do not come back together."""
    longest = FIRST_PAUSE_S * 2 ** (attempt_number - 1)
    return SystemRandom().uniform(longest / 2, longest)
