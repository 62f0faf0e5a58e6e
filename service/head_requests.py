"""HEAD wherever there is GET: the same answer without its body."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BODY_IS_KEPT_BACK = "ziggurat.body_is_kept_back"


def is_body_wanted(scope: Scope) -> bool:
    """Whether the body of the answer will be sent; where it costs something, it need not be read."""
    return _BODY_IS_KEPT_BACK not in scope


class HeadRequests:
    """ASGI middleware that answers HEAD as GET and keeps the body back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        as_get = {**scope, "method": "GET", _BODY_IS_KEPT_BACK: True}
        try:
            await self._app(as_get, receive, send_without_body)
        finally:
            # who stands further out and counts requests wants to know which route it was
            if "route" in as_get:
                scope["route"] = as_get["route"]
