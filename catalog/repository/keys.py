"""API keys: made, looked up by prefix, listed, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_, select, update

from catalog.column_types import utc_now
from catalog.database import ReadSession, WriteSession
from catalog.errors import KeyNotFound
from catalog.models import ApiKey
from catalog.repository.rows import columns_of

USE_IS_NOTED_EVERY = timedelta(hours=1)
"""A key's last use is known to the hour, so that requests do not write."""


class Scope(StrEnum):
    """What a key is good for. Each one includes those before it."""

    READ = "read"
    BUILD = "build"
    WRITE = "write"

    def includes(self, needed: Scope) -> bool:
        """Whether a key of this scope may do what needs the other."""
        ladder = tuple(Scope)
        return ladder.index(self) >= ladder.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to keep; the fields are those of `models.ApiKey`."""

    prefix: str
    secret_sha256: str
    scope: Scope
    label: str
    expires_at: datetime | None = None


def add_key(session: WriteSession, new: NewKey) -> ApiKey:
    """Keep a new key; its prefix is not in use."""
    key = ApiKey(**columns_of(new))
    session.add(key)
    session.flush()
    return key


def find_key(session: ReadSession, prefix: str) -> ApiKey | None:
    """The key with a prefix, whatever became of it; one statement by primary key."""
    return session.get(ApiKey, prefix)


def list_keys(session: ReadSession) -> Sequence[ApiKey]:
    """Every key, revoked and expired ones too, the oldest first."""
    return session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.prefix)).all()


def has_usable_key(session: ReadSession) -> bool:
    """Whether there is a key that is neither revoked nor expired."""
    usable = select(ApiKey.prefix).where(
        ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > utc_now())
    )
    return session.scalars(usable.limit(1)).first() is not None


def revoke_key(session: WriteSession, prefix: str) -> ApiKey:
    """Make a key useless for ever; a revoked one keeps its time.

    Raises
    ------
    KeyNotFound
    """
    key = find_key(session, prefix)
    if key is None:
        raise KeyNotFound(prefix)
    if key.revoked_at is None:
        key.revoked_at = utc_now()
        session.flush()
    return key


def is_use_due(key: ApiKey) -> bool:
    """Whether a use now is worth noting."""
    return key.last_used_at is None or utc_now() - key.last_used_at >= USE_IS_NOTED_EVERY


def note_use(session: WriteSession, prefix: str) -> None:
    """Remember that a key was used now."""
    session.execute(update(ApiKey).where(ApiKey.prefix == prefix).values(last_used_at=utc_now()))
