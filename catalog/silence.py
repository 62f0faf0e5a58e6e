"""When an engine's connections are expected to answer: the watchdog is told at each step."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from catalog.backends import ACCESS, Access, Limits, statement_limit_s
from catalog.deadline import left_s
from catalog.watchdog import Line, Watchdog

GRACE_S = 0.1
"""A server that ends a statement by itself, and says so, is not silent."""

LINE = "watched_line"
"""Where a connection's line is kept, in the connection's `info`."""


def watch_over(engine: Engine, limits: Limits, watchdog: Watchdog) -> None:
    """Have the connections of an engine ended whose server is silent for longer than it may work."""
    watch = Watch(limits, watchdog)
    # first of all: what the dialect asks a new connection is to be watched, too
    event.listen(engine, "connect", watch.connect, insert=True)
    for name in ("close", "checkin", "before_cursor_execute", "after_cursor_execute", "commit", "rollback"):
        event.listen(engine, name, getattr(watch, name))


class Watch:
    """Listeners to events of an engine, named after them."""

    def __init__(self, limits: Limits, watchdog: Watchdog) -> None:
        self._limits = limits
        self._watchdog = watchdog

    def connect(self, connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[LINE] = line = Line(connection.fileno())
        self._watchdog.expect(line, self._limits.silence_s)

    def close(self, _: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        if LINE in entry.info:
            self._watchdog.close(entry.info.pop(LINE))

    def checkin(self, _: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        if LINE in entry.info:
            self._watchdog.rest(entry.info[LINE])

    def before_cursor_execute(self, connection: Connection, _: Any, statement: str, *others: Any) -> None:
        access = connection.get_execution_options().get(ACCESS, Access.READ)
        if statement.startswith("BEGIN"):
            self._expect(connection, min(self._limits.silence_s, left_s()))
        else:
            self._expect(connection, statement_limit_s(access, self._limits, left_s()))

    def after_cursor_execute(self, connection: Connection, *statement: Any) -> None:
        self._watchdog.rest(connection.info[LINE])

    def commit(self, connection: Connection) -> None:
        # beyond the deadline, too: whether a change is kept is worth knowing
        self._expect(connection, max(self._limits.silence_s, min(self._limits.read_s, left_s())))

    def rollback(self, connection: Connection) -> None:
        self._expect(connection, self._limits.silence_s)

    def _expect(self, connection: Connection, seconds: float) -> None:
        if not connection.invalidated:
            self._watchdog.expect(connection.info[LINE], seconds + GRACE_S)
