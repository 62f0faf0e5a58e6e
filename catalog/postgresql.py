"""PostgreSQL, through psycopg 3: a catalogue that many replicas share.

Nothing is kept in a server's session, so a pooler such as pgbouncer may stand between: no prepared
statements, and what is set is set for one transaction, by the statement that begins it. That
statement also finds out whether the connection still lives, so no ping goes before it.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Sequence
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from catalog.backends import Access, Limits, statement_limit_s
from catalog.models import PLACE
from catalog.reconnecting import Turns
from catalog.repository.lonlat import MayTouch
from catalog.silence import watch_over
from catalog.watchdog import Watchdog

IS_SHARED = True

DRIVER = "postgresql+psycopg"

LONGEST_CONNECTION_S = 1800
"""An older connection is replaced when it is next asked for, so that load follows new servers."""

CONNECT_S = 2.0
"""Longest that a connection may take to be made; libpq knows no shorter limit."""

MIGRATION_LOCK = 8_243_118_097
"""Any number: the key of an advisory lock; `catalog.locks` has the other one."""

MIGRATION_WAIT_S = 60.0
"""How long a migration waits for another one, or for a table in use."""


def checked_url(url: URL) -> URL:
    """The URL with psycopg as driver; it names a database."""
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername=DRIVER)
    if url.drivername != DRIVER:
        raise ArgumentError(
            f"PostgreSQL is reached through psycopg: postgresql://…, not {url.drivername}://…"
        )
    if not url.database:
        raise ArgumentError("it names no database: postgresql://user@host/database")
    try:
        make_conninfo(**{name: str(value) for name, value in url.query.items()})
    except ProgrammingError as error:
        raise ArgumentError(str(error)) from error
    return url


def open_engine(url: URL, limits: Limits, watchdog: Watchdog, **pool: Any) -> Engine:
    """An engine that gives up on dead peers; what the URL's query says of a connection has the last word."""
    options: dict[str, Any] = {
        "connect_timeout": round(CONNECT_S),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 5000,  # milliseconds
        "fallback_application_name": f"ziggurat@{socket.gethostname()}",
        "prepare_threshold": None,
        "autocommit": True,  # of the driver, which would begin before us
    }
    connecting = {name: value for name, value in options.items() if name not in url.query}
    engine = create_engine(url, connect_args=connecting, pool_recycle=LONGEST_CONNECTION_S, **pool)
    event.listen(engine, "do_connect", Turns().connect)
    watch_over(engine, limits, watchdog)
    return engine


def begin(access: Access, limits: Limits, left_s: float) -> Sequence[str]:
    """BEGIN, and how long this transaction may take over what.

    Who reads sees one state from first to last. Who writes sees what others have committed when
    it has waited for them: what must not change under it has to be locked.
    """
    snapshot = "REPEATABLE READ READ ONLY" if access is Access.READ else "READ COMMITTED"
    lock_wait_s = MIGRATION_WAIT_S if access is Access.MIGRATE else limits.lock_wait_s
    settings = {
        "statement_timeout": statement_limit_s(access, limits, left_s),
        "lock_timeout": min(lock_wait_s, left_s),
        "idle_in_transaction_session_timeout": limits.idle_s,
    }
    each = (f"SET LOCAL {name} = {_milliseconds(seconds)}" for name, seconds in settings.items())
    return ("; ".join([f"BEGIN ISOLATION LEVEL {snapshot}", *each]),)


def _milliseconds(seconds: float) -> int:
    """As the server takes them: 0 stands for no limit."""
    return 0 if seconds == math.inf else max(1, round(seconds * 1000))


@compiles(MayTouch, "postgresql")
def _compile_to_boxes(element: MayTouch, compiler: SQLCompiler, **options: Any) -> str:
    west, south, east, north = element.clauses
    touches = PLACE.op("&&")(func.box(func.point(west, south), func.point(east, north)))
    return compiler.process(touches, **options)


def make_place(url: URL) -> None:
    """Nothing: whoever runs the server makes databases and roles."""


def lock_schema(connection: Connection) -> None:
    """Take a lock of the transaction: one of the session would outlive it behind a pooler."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
