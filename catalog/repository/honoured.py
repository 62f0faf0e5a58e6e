"""Requests that were honoured once and are not to be honoured again: by their Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from catalog.clock import read_clock
from catalog.database import ReadSession, WriteSession
from catalog.errors import RequestKeyTaken
from catalog.models import HonouredRequest
from catalog.repository.rows import columns_of

KEPT_FOR = timedelta(hours=24)
"""How long a request that is repeated is known again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMark:
    """What tells a request that is repeated: the fields are those of `models.HonouredRequest`."""

    holder: str
    target: str
    key: str
    body_sha256: str


def find_outcome(session: ReadSession, mark: RequestMark) -> dict[str, Any] | None:
    """What was done for a request the first time, None if it is the first time.

    Raises
    ------
    RequestKeyTaken
    """
    known = session.get(HonouredRequest, (mark.holder, mark.target, mark.key), populate_existing=True)
    if known is None or known.created_at < read_clock(session) - KEPT_FOR:
        return None
    if known.body_sha256 != mark.body_sha256:
        raise RequestKeyTaken(mark.key)
    return known.outcome


def reserve_key(session: WriteSession, mark: RequestMark) -> dict[str, Any] | None:
    """Keep others from honouring the same request until the session ends; None when it is the first time.

    Returns
    -------
    What was done the first time

    Raises
    ------
    RequestKeyTaken
    """
    now = read_clock(session)
    session.execute(delete(HonouredRequest).where(HonouredRequest.created_at < now - KEPT_FOR))
    try:
        with session.begin_nested():
            session.add(HonouredRequest(**columns_of(mark), created_at=now))
    except IntegrityError:
        # whoever had it first is done: the database has waited for that
        return find_outcome(session, mark)
    return None


def note_outcome(session: WriteSession, mark: RequestMark, outcome: dict[str, Any]) -> None:
    """Remember what was done, in the session that does it."""
    reserved = session.get_one(HonouredRequest, (mark.holder, mark.target, mark.key))
    reserved.outcome = outcome
    session.flush()
