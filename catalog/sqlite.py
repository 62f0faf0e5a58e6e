"""SQLite: a catalogue in a file of one's own, for one machine.

Write-ahead log, so that readers see the last committed state while a writer is at work. A write
session begins IMMEDIATE: one that begins deferred and writes after it has read fails at once,
whatever the timeout, when another writer was faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from catalog.backends import Access, Limits
from catalog.errors import CatalogUnavailable
from catalog.watchdog import Watchdog

IS_SHARED = False

CONNECT_S = 0.0
"""Opening a file waits for nobody."""


def checked_url(url: URL) -> URL:
    """The URL; it names a file."""
    if url.database in {None, "", ":memory:"}:
        raise ArgumentError(
            "an SQLite catalogue needs a file: in memory, each connection would see another one"
        )
    return url


def open_engine(
    url: URL,
    limits: Limits,
    watchdog: Watchdog,  # noqa: ARG001 - a file is never silent
    **pool: Any,
) -> Engine:
    """An engine whose connections are all prepared alike."""
    engine = create_engine(url, **pool)
    event.listen(engine, "connect", partial(_prepare, limits.lock_wait_s))
    return engine


def _prepare(lock_wait_s: float, connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    # the driver's own idea of when to begin would come before ours
    connection.isolation_level = None
    for pragma in (
        _busy_timeout(lock_wait_s),
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def begin(access: Access, limits: Limits, left_s: float) -> Sequence[str]:
    """BEGIN; who writes takes the lock at once, and waits for it no longer than the deadline allows."""
    if access is Access.READ:
        return ("BEGIN",)
    return (f"PRAGMA {_busy_timeout(min(limits.lock_wait_s, left_s))}", "BEGIN IMMEDIATE")


def _busy_timeout(seconds: float) -> str:
    return f"busy_timeout = {round(seconds * 1000)}"


def make_place(url: URL) -> None:
    """Make the file's folder."""
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogUnavailable(f"its folder cannot be made: {error}") from error


def lock_schema(connection: Connection) -> None:
    """Nothing: BEGIN IMMEDIATE has locked the file."""
