"""Use-case: API keys are made, and one that is presented is known or not."""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from catalog.column_types import utc_now
from catalog.errors import CatalogUnavailable
from catalog.models import ApiKey
from catalog.repository import keys
from catalog.repository.keys import NewKey, Scope
from service.errors import KeyExpired, KeyUnknown
from service.house import House

logger = logging.getLogger(__name__)

MARK = "zig_"
"""Begins every key, so that tools which look for leaked secrets can find them."""

PREFIX_BYTES = 6

SECRET_BYTES = 32
"""256 bits: guessing is hopeless, so a plain hash of it is safe to keep."""

SHAPE = re.compile(rf"({MARK}[0-9a-f]{{{2 * PREFIX_BYTES}}})\.([A-Za-z0-9_-]{{43}})")
"""Anything else is no key, so the catalogue need not be asked."""

NO_HASH = "0" * 64
"""What a secret is compared with when there is no such key: no answer is faster than another."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, and its text, which is not kept anywhere."""

    key: ApiKey
    text: str


def issue_key(house: House, label: str, scope: Scope, lifetime: timedelta | None) -> IssuedKey:
    """Make a key; it is good from now on."""
    prefix = MARK + secrets.token_hex(PREFIX_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    new = NewKey(
        prefix=prefix,
        secret_sha256=_hash(secret),
        scope=scope,
        label=label,
        expires_at=None if lifetime is None else utc_now() + lifetime,
    )
    with house.database.write() as session:
        return IssuedKey(keys.add_key(session, new), f"{prefix}.{secret}")


def recognize_key(house: House, presented: str) -> ApiKey:
    """The key of this text, in one SQL statement; nothing is remembered, so a revocation works at once.

    Raises
    ------
    KeyUnknown
        Never there, or revoked: who does not know the secret learns nothing of the prefix.
    KeyExpired
    CatalogUnavailable
    """
    shaped = SHAPE.fullmatch(presented)
    if shaped is None:
        raise KeyUnknown
    prefix, secret = shaped.groups()
    with house.database.read() as session:
        key = keys.find_key(session, prefix)
    is_right = hmac.compare_digest(_hash(secret), NO_HASH if key is None else key.secret_sha256)
    if key is None or not is_right or key.revoked_at is not None:
        raise KeyUnknown
    if key.expires_at is not None and key.expires_at <= utc_now():
        raise KeyExpired(prefix, key.expires_at.isoformat(timespec="seconds"))
    return key


def note_use(house: House, key: ApiKey) -> None:
    """Remember that a key was used, to the hour. A catalogue that is busy need not know."""
    if not keys.is_use_due(key):
        return
    try:
        with house.database.write() as session:
            keys.note_use(session, key.prefix)
    except CatalogUnavailable as error:
        logger.warning("the use of key %s was not noted: %s", key.prefix, error)


def _hash(secret: str) -> str:
    return sha256(secret.encode("ascii")).hexdigest()
