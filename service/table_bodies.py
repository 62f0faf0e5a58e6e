"""Bodies that are tables of tiles: told by their media type, and written to the spool as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from types import MappingProxyType

from anyio import CancelScope
from fastapi import HTTPException, Request
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from service.desk import Desk
from service.spool import TableKind

MEDIA_TYPES: Mapping[str, TableKind] = MappingProxyType(
    {"application/x-ndjson": TableKind.NDJSON, "text/csv": TableKind.CSV}
)

WRITTEN_BYTES = 2**20
"""Gathered before they are written, so that a slow client holds no thread."""


@dataclass(frozen=True, slots=True)
class ReceivedBody:
    """A body that is on the disk."""

    byte_count: int
    sha256: str


def table_kind_of(headers: Headers) -> TableKind | None:
    """How the body is written; None when it is no table."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return MEDIA_TYPES.get(media_type)


async def receive_table(request: Request, desk: Desk, registration_id: str, kind: TableKind) -> ReceivedBody:
    """Write a request's body to the spool.

    Raises
    ------
    BodyTooLarge, SpoolUnavailable
    HTTPException
        The client left before it was whole.
    """
    spool = desk.house.spool
    digest, byte_count, gathered = sha256(kind.encode()), 0, bytearray()
    file = await desk.run(spool.begin, registration_id)
    try:
        async for part in request.stream():
            digest.update(part)
            byte_count += len(part)
            gathered += part
            if len(gathered) >= WRITTEN_BYTES:
                await desk.run(spool.add, file, bytes(gathered))
                gathered.clear()
        await desk.run(spool.add, file, bytes(gathered))
        await desk.run(spool.keep, file, registration_id, kind)
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from error
    finally:
        with CancelScope(shield=True):
            await desk.run(spool.end, file, registration_id)
    return ReceivedBody(byte_count, digest.hexdigest())
