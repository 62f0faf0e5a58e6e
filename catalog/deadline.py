"""Until when whoever asks the catalogue waits for an answer.

It goes with the context, like a request's id in the log, into threads and through use-cases that
have nothing to do with it. Who sets none, such as a build or a command, waits as long as
`catalog.backends.Limits` say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_ends_at: ContextVar[float] = ContextVar("catalogue_deadline", default=math.inf)


@contextmanager
def deadline(ends_at: float) -> Iterator[None]:
    """Let what runs within wait until `ends_at`, in seconds of `time.monotonic`."""
    token = _ends_at.set(ends_at)
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def elsewhere() -> Iterator[None]:
    """The time that passes within is not the catalogue's, so it is not taken from what it has left."""
    left = left_s()
    try:
        yield
    finally:
        _ends_at.set(monotonic() + left)


def left_s() -> float:
    """Seconds left to wait; infinite without a deadline, below 0 after it."""
    return _ends_at.get() - monotonic()
