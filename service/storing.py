"""A store that fails, told to whoever runs the service: which setting names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from raster.errors import StoreFailed
from service.errors import StoreUnavailable


@contextmanager
def reporting_store() -> Iterator[None]:
    """Report a store that is full, read-only, gone, or does not answer.

    Raises
    ------
    StoreUnavailable
    """
    try:
        yield
    except StoreFailed as error:
        raise StoreUnavailable(error.place, error.reason) from error
