"""When no connection can be made, not everybody tries: a server that comes back is not met by a storm.

One attempt goes ahead, and the next one, whoever wants it, a little later. As soon as one
succeeds everybody may connect.
"""

from __future__ import annotations

import threading
from random import SystemRandom
from time import monotonic
from typing import Any

from psycopg import Error, OperationalError
from sqlalchemy import Dialect
from sqlalchemy.pool import ConnectionPoolEntry

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.6
"""At most two attempts a second, and nobody is kept for long from a server that is back."""


class NotYet(OperationalError):
    """The last attempt to connect has just failed; the next may be made in `wait_s` seconds."""

    def __init__(self, wait_s: float, reason: str) -> None:
        super().__init__(f"no connection a moment ago: {reason}")
        self.wait_s = wait_s


class Turns:
    """Whose turn it is to connect to one server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failure_count = 0
        self._next_at = 0.0
        self._reason = ""

    def connect(
        self, dialect: Dialect, _: ConnectionPoolEntry, arguments: Any, options: Any
    ) -> Any:  # the driver's connection
        """Connect, or tell that it is not yet time to; a listener to `do_connect`.

        Raises
        ------
        psycopg.Error
        """
        self._take()
        try:
            connection = dialect.connect(*arguments, **options)
        except Error as error:
            self._note_failure(str(error))
            raise
        with self._lock:
            self._failure_count = 0
        return connection

    def _take(self) -> None:
        with self._lock:
            wait_s = self._next_at - monotonic()
            if self._failure_count and wait_s > 0:
                raise NotYet(wait_s, self._reason)
            self._plan_next()

    def _note_failure(self, reason: str) -> None:
        with self._lock:
            self._failure_count += 1
            self._reason = reason.partition("\n")[0]
            self._plan_next()

    def _plan_next(self) -> None:
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._failure_count)
        # replicas that lost the server together do not come back together
        self._next_at = monotonic() + SystemRandom().uniform(longest * 5 / 6, longest)
