"""A request id for every request: from the client when it is harmless, sent back, in every line logged."""

from __future__ import annotations

import re
import uuid
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

HEADER = "X-Request-Id"
_HARMLESS = re.compile(r"[A-Za-z0-9-]{1,64}")


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """The id of the request of this scope."""
    return str(scope.get("state", {}).get("request_id", "-"))


class RequestIds:
    """ASGI middleware that sets the id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get(HEADER, "")
        request_id = asked if _HARMLESS.fullmatch(asked) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        bind_contextvars(request_id=request_id)  # of the request's task and its threads; goes with them

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)
