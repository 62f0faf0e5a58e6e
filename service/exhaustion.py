"""A machine that has no memory or threads left: neither a defect nor anything wrong with what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import ResourcesExhausted

NO_THREAD = "can't start new thread"
"""What Python says then; the error's type is that of many others."""


@contextmanager
def reporting_exhaustion() -> Iterator[None]:
    """Report memory or threads that the machine does not give.

    Raises
    ------
    ResourcesExhausted
    """
    try:
        yield
    except MemoryError as error:
        raise ResourcesExhausted("memory") from error
    except RuntimeError as error:
        if str(error) != NO_THREAD:
            raise
        raise ResourcesExhausted("threads") from error
