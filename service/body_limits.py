"""How large a request's body may be. Most are read into memory, and parsed while nobody else is served."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge
from service.table_bodies import table_kind_of

LARGEST_BODY_BYTES = 2**23
"""Ten thousand tiles with names of 800 characters."""


class BodyLimits:
    """ASGI middleware that stops reading a body that is too large, whether or not it says so."""

    def __init__(self, app: ASGIApp, table_bytes: int) -> None:
        self._app = app
        self._table_bytes = table_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        # a table goes to the disk as it comes
        limit = LARGEST_BODY_BYTES if table_kind_of(headers) is None else self._table_bytes
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if max(received, int(declared) if declared.isdecimal() else 0) > limit:
                raise BodyTooLarge(limit)
            return message

        await self._app(scope, receive_some, send)
