"""Every request is measured: for Prometheus, and as one line of the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.monitoring import AnsweredRequest, Monitor

logger = logging.getLogger(__name__)

UNMATCHED = "unmatched"
"""Route of requests that no route takes, or none was looked for: their paths may be anything, secrets too."""


@dataclass(slots=True)
class _Answer:
    """What was sent so far. A defect's answer is made further out, so that is what nothing stands for."""

    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    byte_count: int = 0

    def see(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.byte_count += len(message.get("body", b""))


class RequestWatch:
    """ASGI middleware that measures. Log and labels have the route's template, never path or query."""

    def __init__(self, app: ASGIApp, monitor: Monitor) -> None:
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, started = _Answer(), perf_counter()

        async def send_seen(message: Message) -> None:
            answer.see(message)
            await send(message)

        with self._monitor.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, send_seen)
            finally:
                self._tell(scope, answer, perf_counter() - started)

    def _tell(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        request = AnsweredRequest(
            method=scope["method"],
            route=getattr(scope.get("route"), "path", UNMATCHED),
            status=answer.status,
            seconds=seconds,
            byte_count=answer.byte_count,
            problem=scope.get("state", {}).get("problem"),
        )
        self._monitor.count(request)
        logger.info(
            "request",
            extra={
                "method": request.method,
                "route": request.route,
                "status": int(request.status),
                "ms": round(1000 * request.seconds, 1),
                "bytes": request.byte_count,
            },
        )
