"""Requests that are repeated because an answer was lost: known again by their Idempotency-Key. No web."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.repository.honoured import RequestMark


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """The key of a request, who sent it, and what its body was."""

    holder: str
    key: str
    body_sha256: str

    def mark(self, target: str) -> RequestMark:
        """How the catalogue knows it: the same key means another request at another target."""
        return RequestMark(holder=self.holder, target=target, key=self.key, body_sha256=self.body_sha256)


def tiles_of(terrain_id: int) -> str:
    """The target of registrations."""
    return f"terrain/{terrain_id}/tile"


TERRAINS = "terrain"
"""The target of creations."""
