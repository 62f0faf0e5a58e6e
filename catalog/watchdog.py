"""Connections whose server has gone silent are ended from outside.

A peer that vanishes behind a proxy or a firewall still has its TCP acknowledged: no keepalive,
no timeout of the server and no ping that itself waits for an answer ever ends that. Shutting the
socket down does: whoever waits on it is told at once that the connection broke.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import threading
from time import monotonic

logger = logging.getLogger(__name__)


class Line:
    """A connection's socket, and until when the other side has to answer."""

    def __init__(self, descriptor: int) -> None:
        # a descriptor of our own: the driver may close its own at any time, and another file get its number
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self.ends_at = math.inf

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing left to be ended."""
        return self._socket.fileno() < 0

    def end(self) -> bool:
        """End the connection; whether it was still there."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
        finally:
            self.close()
        return True

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


class Watchdog:
    """One thread, there as long as it is needed, that watches over any number of lines."""

    def __init__(self) -> None:
        self.ended_count = 0
        """Connections that were ended because nothing came."""
        self._lines: set[Line] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at = math.inf

    def expect(self, line: Line, seconds: float) -> None:
        """Expect an answer within so many seconds; infinity: none is expected."""
        with self._changed:
            line.ends_at = monotonic() + seconds
            if line.ends_at == math.inf or line.is_closed:
                self._lines.discard(line)
                return
            self._lines.add(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            if line.ends_at < self._wakes_at:
                self._changed.notify()

    def rest(self, line: Line) -> None:
        """Nothing is expected until further notice."""
        self.expect(line, math.inf)

    def close(self, line: Line) -> None:
        """The connection is closed."""
        self.rest(line)
        line.close()

    def stop(self) -> None:
        """End the thread; it is started anew when there is something to watch."""
        with self._changed:
            stopped, self._thread = self._thread, None
            self._changed.notify()
        if stopped is not None:
            stopped.join()

    def _watch(self) -> None:
        me = threading.current_thread()
        with self._changed:
            while self._thread is me:
                self._end_the_silent()
                self._wakes_at = min((line.ends_at for line in self._lines), default=math.inf)
                wait_s = self._wakes_at - monotonic()
                self._changed.wait(None if wait_s == math.inf else max(0.0, wait_s))

    def _end_the_silent(self) -> None:
        now = monotonic()
        for line in [line for line in self._lines if line.ends_at <= now]:
            self._lines.discard(line)
            if line.end():
                self.ended_count += 1
                logger.warning("a connection to the catalogue was ended: its server is silent")
