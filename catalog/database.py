"""The engine and its sessions. A session that reads and one that writes are different types.

SQLite: write-ahead log, so that readers see the last committed state while a writer is at work.
A write session begins IMMEDIATE: one that begins deferred and writes after it has read fails at
once, whatever the timeout, when another writer was faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import NewType, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from catalog import schema
from catalog.errors import CatalogUnavailable, SchemaOutdated

ReadSession = NewType("ReadSession", Session)
"""Sees one committed state; what is changed in it is never kept."""

WriteSession = NewType("WriteSession", ReadSession)
"""Reads and writes; all of it is kept at the end, or nothing."""

CONNECTIONS = 10
"""More than the threads that ask: the default eight of requests, and a build's."""

CONNECTION_WAIT_S = 2.0
"""A request that finds no free connection for so long had better be told to come again."""

LOCK_WAIT_S = 5.0
"""How long a writer of SQLite waits for another one."""

_BEGIN = "sqlite_begin"


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that may be open at once, and those in use."""

    size: int
    in_use: int


class Database:
    """The catalogue's database. Opens no connection until it is used; threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._expected_revision = schema.expected_revision()

    def describe(self) -> str:
        """The database's URL without password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        """A session on the last committed state. Its objects stay usable after it.

        Raises
        ------
        CatalogUnavailable
        """
        with _reporting(), Session(self._engine, expire_on_commit=False) as session:
            yield ReadSession(session)

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """A session that commits at its end, and rolls back on any error. Its objects stay usable after it.

        Raises
        ------
        CatalogUnavailable
        """
        with _reporting(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield WriteSession(ReadSession(session))

    def migrate(self) -> None:
        """Bring the schema up to this version, creating it if need be. Processes may race to do it.

        Raises
        ------
        SchemaOutdated
            The catalogue was made by a newer version.
        CatalogUnavailable
        """
        with _reporting():
            _create_parent(self._engine.url)
            with self._writing.begin() as connection:
                schema.upgrade(connection)

    def check_revision(self) -> None:
        """Check that the schema is the one this version needs.

        Raises
        ------
        SchemaOutdated, CatalogUnavailable
        """
        with _reporting(), self._engine.connect() as connection:
            found = schema.current_revision(connection)
        if found != self._expected_revision:
            raise SchemaOutdated(found, self._expected_revision)

    def pool(self) -> PoolUse:
        """How busy the connections are; asks nobody."""
        pool = cast("QueuePool", self._engine.pool)  # as `open_database` asks for
        return PoolUse(size=pool.size(), in_use=pool.checkedout())

    def dispose(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_database(
    url: str,
    *,
    connections: int = CONNECTIONS,
    connection_wait_s: float = CONNECTION_WAIT_S,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Database:
    """The database at an SQLAlchemy URL such as `sqlite:///data/catalog.db`.

    Parameters
    ----------
    connections : int
        The most that are open at once.
    connection_wait_s : float
        How long a session waits for one of them.
    lock_wait_s : float
        How long a writer of SQLite waits for another one.

    Raises
    ------
    CatalogUnavailable
        The URL cannot be that of a catalogue.
    """
    try:
        engine = create_engine(
            _checked(make_url(url)),
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=connection_wait_s,
            pool_use_lifo=True,
        )
    except (ArgumentError, ImportError) as error:
        raise CatalogUnavailable(f"ZIGGURAT_DATABASE_URL: {_first_line(error)}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, lock_wait_s))
        event.listen(engine, "begin", _begin_sqlite)
    return Database(engine)


def _checked(url: URL) -> URL:
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise ArgumentError(
            "an SQLite catalogue needs a file: in memory, each connection would see another one"
        )
    return url


def _prepare_sqlite(lock_wait_s: float, connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    # the driver's own idea of when to begin would come before ours
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {round(lock_wait_s * 1000)}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _create_parent(url: URL) -> None:
    if url.get_backend_name() == "sqlite" and url.database:
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogUnavailable(f"its folder cannot be made: {error}") from error


@contextmanager
def _reporting() -> Iterator[None]:
    """Report a database that does not serve as `CatalogUnavailable`; a broken rule stays the defect it is."""
    try:
        yield
    except NoFreeConnection as error:
        raise CatalogUnavailable("all its connections are busy") from error
    except (DataError, IntegrityError, ProgrammingError):
        raise
    except DBAPIError as error:
        raise CatalogUnavailable(_first_line(error.orig)) from error


def _first_line(error: BaseException | None) -> str:
    return str(error).partition("\n")[0]
