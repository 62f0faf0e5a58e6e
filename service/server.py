"""uvicorn, taught to leave: it says so, takes no more requests, and finishes those it has."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from time import monotonic
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.protocol import CarefulProtocol
from service.readiness import Readiness
from service.settings import Settings

logger = logging.getLogger(__name__)

LARGEST_HEAD_BYTES = 2**14
"""Of a request's line and headers; uvicorn would take four times as much."""

LAST_SHARD_S = 5.0
"""Builds are told to stop so long before requests are cut off: who waits for one is answered in order."""


class LeavingServer(uvicorn.Server):
    """A server that drains when it is terminated, and ends with exit code 0.

    SIGTERM: readiness says no at once, and `drain_s` later, when whoever routes requests has seen
    that, the listener closes. Requests under way have `stop_s` to end. A second SIGTERM closes
    the listener at once; so does Ctrl-C, for nobody routes requests to somebody's terminal.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=CarefulProtocol,  # of h11: only that one has a limit for heads
                h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
                log_config=None,
                access_log=False,  # a line of our own, which has no path or query
                server_header=False,
                timeout_keep_alive=settings.keep_alive_s,
                timeout_graceful_shutdown=settings.stop_s,
            )
        )
        self._app = app
        self._settings = settings
        self._terminations = 0
        self._closes_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take note of a signal; nothing else is safe to do in its midst."""
        if sig == signal.SIGTERM:
            # uvicorn would raise it anew at the end, and no exit code would tell order from a crash
            self._terminations += 1
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Drain, and close when that is over; called ten times a second."""
        if self._terminations and self._closes_at is None:
            self._closes_at = monotonic() + self._settings.drain_s
            self._readiness.drain()
            logger.info("terminated; no more requests are taken in %g s", self._settings.drain_s)
        is_over = self._closes_at is not None and monotonic() >= self._closes_at
        if is_over or self._terminations > 1:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, finish the requests under way, stop builds, close the catalogue."""
        self._readiness.drain()
        patience_s = max(0.0, self._settings.stop_s - LAST_SHARD_S)
        stopping = asyncio.get_running_loop().call_later(patience_s, self._app.state.desk.builds.stop)
        await super().shutdown(sockets)
        stopping.cancel()

    @property
    def _readiness(self) -> Readiness:
        readiness: Readiness = self._app.state.readiness
        return readiness
