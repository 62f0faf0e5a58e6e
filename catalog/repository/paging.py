"""Pages of long lists. A page is found by the key it begins after, so rows may come and go meanwhile."""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select

from catalog.database import ReadSession
from catalog.errors import CursorInvalid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and the cursor to ask for the following ones with, None on the last page."""

    items: list[T]
    next: str | None


def read_page(
    session: ReadSession,
    query: Select[Any],
    limit: int,
    kind: Callable[..., T],
    key_of: Callable[[T], int | str],
) -> Page[T]:
    """The first `limit` items of a query that is ordered by a key and begins after the cursor.

    Parameters
    ----------
    limit : int
        At least 1.
    kind : callable
        Makes an item of a row's columns. Objects of the session would cost several times as much.
    key_of : callable
        The key of an item, which the cursor carries.
    """
    found = session.execute(query.limit(limit + 1)).all()
    items = [kind(*row) for row in found[:limit]]
    return Page(items, encode_cursor(str(key_of(items[-1]))) if len(found) > limit else None)


def encode_cursor(key: str) -> str:
    """The cursor of what follows this key."""
    return urlsafe_b64encode(key.encode("ascii")).decode("ascii").rstrip("=")


def decode_cursor(cursor: str, key: re.Pattern[str]) -> str:
    """The key in a cursor that `read_page` gave.

    Parameters
    ----------
    key : re.Pattern
        What a key of this list looks like.

    Raises
    ------
    CursorInvalid
    """
    try:
        text = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError as error:
        raise CursorInvalid(cursor) from error
    if key.fullmatch(text) is None:
        raise CursorInvalid(cursor)
    return text
