"""The header Idempotency-Key: what a request is told by when it is repeated."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

from fastapi import Header, Request
from pydantic import StringConstraints

from service.key_guard import holder_of
from service.repetition import RequestKey

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")] | None,
    Header(
        alias="Idempotency-Key",
        examples=["registration-2026-07-04-1"],
        description="Any text of your choice. A request that is repeated with it within 24 hours, because "
        "its answer was lost, is not carried out again.",
    ),
]


def request_key(request: Request, key: str | None, body_sha256: str) -> RequestKey | None:
    """What the use-case needs to know of a request that may be a repetition."""
    if key is None:
        return None
    return RequestKey(holder=holder_of(request.scope), key=key, body_sha256=body_sha256)


def hash_of(body: str) -> str:
    """SHA-256 of a body's content."""
    return sha256(body.encode()).hexdigest()
