"""Headers that keep browsers from making more of an answer than it is."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CAREFUL_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of whatever is not a page: nothing in it may be run, loaded or framed."""


class CarefulHeaders:
    """ASGI middleware that sets them; pages set a policy of their own, if any."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_carefully(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_carefully)


def _complete(headers: MutableHeaders) -> None:
    is_page = headers.get("content-type", "").startswith("text/html")
    for name, value in CAREFUL_HEADERS.items():
        if not (is_page and name == "Content-Security-Policy"):
            headers.setdefault(name, value)
