"""Entity tags: strong ones, made from what identifies an answer."""

from __future__ import annotations

import hashlib


def etag_of(*parts: object) -> str:
    """The tag of an answer that these values determine."""
    return etag_of_bytes("\x1f".join(str(part) for part in parts).encode())


def etag_of_bytes(content: bytes) -> str:
    """The tag of an answer with this content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def answers_304(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has the answer already (RFC 9110: weak comparison)."""
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags
