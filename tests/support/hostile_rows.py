"""A row of the tables of hostile requests, and how one is written down."""

from __future__ import annotations

from dataclasses import dataclass

from raw_http import written

KEY = "Authorization: Bearer {key}"
JSON = "Content-Type: application/json"
NDJSON = "Content-Type: application/x-ndjson"
CSV = "Content-Type: text/csv"
CHUNKED = "Transfer-Encoding: chunked"
LEVEL = "/terrain/golden/pyramid/max/0"
TILES = "/terrain/golden/tile"
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Hostile:
    """A request, the statuses that answer it (None: no answer), and what of it may be said again."""

    name: str
    request: bytes
    statuses: frozenset[int | None]
    echoed: tuple[str, ...] = ()


def row(name: str, status: int | tuple[int | None, ...], request: bytes, *echoed: str) -> Hostile:
    statuses = status if isinstance(status, tuple) else (status,)
    return Hostile(name, request, frozenset(statuses), echoed)


def reading(target: str | bytes, *headers: str | bytes) -> bytes:
    return written("GET", target, KEY, *headers)


def posting(target: str, body: str | bytes, *headers: str | bytes) -> bytes:
    content = body if isinstance(body, bytes) else body.encode()
    kind = (
        ()
        if any(b"Content-Type" in (h if isinstance(h, bytes) else h.encode()) for h in headers)
        else (JSON,)
    )
    return written("POST", target, KEY, *kind, *headers, body=content)


def patching(body: str | bytes, *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else body.encode()
    return written("PATCH", "/terrain/golden", KEY, *(headers or (JSON,)), body=content)
