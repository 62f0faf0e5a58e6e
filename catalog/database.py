"""The engine and its sessions. A session that reads and one that writes are different types.

What one kind of database does differently from another is in its room: `catalog.sqlite`,
`catalog.postgresql`. Which errors mean "not now" is in `catalog.transient`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import Any, NewType

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, QueuePool

from catalog import postgresql, schema, sqlite
from catalog.backends import ACCESS, Access, Backend, Limits
from catalog.deadline import left_s
from catalog.errors import CatalogUnavailable, SchemaOutdated
from catalog.transient import is_read_only, trouble_of
from catalog.watchdog import Watchdog

ReadSession = NewType("ReadSession", Session)
"""Sees one committed state; what is changed in it is never kept."""

WriteSession = NewType("WriteSession", ReadSession)
"""Reads and writes; all of it is kept at the end, or nothing."""

BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {"sqlite": sqlite, "postgresql": postgresql, "postgres": postgresql}
)
"""By the scheme of a URL, its driver aside."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that may be open at once, and those in use."""

    size: int
    in_use: int


class Database:
    """The catalogue's database. Opens no connection until it is used; threads may share it."""

    def __init__(self, engine: Engine, backend: Backend, watchdog: Watchdog) -> None:
        self._engine = engine
        self._watchdog = watchdog
        self._counting = Lock()
        self._engines = {access: engine.execution_options(**{ACCESS: access}) for access in Access}
        self._backend = backend
        self._expected_revision = schema.expected_revision()
        self._is_schema_known = False
        self.change_count = 0
        """Changes that were kept, or may have been, by this process."""

    @property
    def is_shared(self) -> bool:
        """Whether other machines may use the same catalogue."""
        return self._backend.IS_SHARED

    def describe(self) -> str:
        """The database's URL without passwords."""
        url = self._engine.url
        secret = {name: "***" for name in url.query if "password" in name}
        return url.update_query_dict(secret).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        """A session on the last committed state. Its objects stay usable after it.

        Raises
        ------
        CatalogUnavailable, SchemaOutdated
        """
        with self._reporting(Access.READ), self._session(Access.READ) as session:
            yield ReadSession(session)

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """A session that commits at its end, and rolls back on any error. Its objects stay usable after it.

        Two of them may run at once. What must not change between reading and writing it has to be
        locked: `repository.terrains.lock_terrain`.

        Raises
        ------
        CatalogUnavailable, SchemaOutdated
        """
        with self._reporting(Access.WRITE), self._session(Access.WRITE) as session:
            yield WriteSession(ReadSession(session))
            session.flush()
            try:
                with _translating(is_committing=True):
                    session.commit()
            finally:
                with self._counting:
                    self.change_count += 1

    @contextmanager
    def _session(self, access: Access) -> Iterator[Session]:
        with Session(self._engines[access], expire_on_commit=False) as session:
            connection = self._begin(session)
            if not self._is_schema_known:
                self._check(connection)
            yield session

    def _begin(self, session: Session) -> Connection:
        """Begin the session's transaction.

        That is where a connection that broke while it was idle shows: nothing was done with it
        yet, and the pool gives a new one, if there is time to make it.
        """
        if left_s() <= 0:
            raise CatalogUnavailable("there is no time left to ask it")
        try:
            return session.connection()
        except DBAPIError as error:
            session.rollback()
            if not error.connection_invalidated or left_s() < self._backend.CONNECT_S:
                raise
            return session.connection()

    def migrate(self) -> None:
        """Bring the schema up to this version, creating it if need be. Processes may race to do it.

        Raises
        ------
        SchemaOutdated
            The catalogue was made by a newer version.
        CatalogUnavailable
        """
        self._backend.make_place(self._engine.url)
        with _translating(), self._engines[Access.MIGRATE].begin() as connection:
            self._backend.lock_schema(connection)
            schema.upgrade(connection)

    def prepare(self) -> bool:
        """Make a catalogue where there is none, and bring a file of one's own up to date.

        A shared catalogue of an older version is left to `migrate`: other replicas use it.

        Returns
        -------
        Whether a new catalogue was made.

        Raises
        ------
        SchemaOutdated, CatalogUnavailable
        """
        try:
            self.check_revision()
        except SchemaOutdated as outdated:
            if outdated.found is not None and self._backend.IS_SHARED:
                raise
            self.migrate()
            return outdated.found is None
        except CatalogUnavailable:
            if self._backend.IS_SHARED:
                raise
            self.migrate()
            return True
        return False

    def check_revision(self) -> None:
        """Check that the schema is the one this version needs.

        Raises
        ------
        SchemaOutdated, CatalogUnavailable
        """
        with _translating(), self._engines[Access.READ].connect() as connection:
            self._check(connection)

    def _check(self, connection: Connection) -> None:
        found = schema.current_revision(connection)
        self._is_schema_known = found == self._expected_revision
        if not self._is_schema_known:
            raise SchemaOutdated(found, self._expected_revision)

    @contextmanager
    def _reporting(self, access: Access) -> Iterator[None]:
        """Report a database that does not serve or has another schema; a broken rule stays a defect."""
        try:
            with _translating():
                yield
        except CatalogUnavailable as error:
            if is_read_only(error.__cause__):
                if access is Access.READ:
                    raise error.__cause__ from None  # a change was tried where none may be
                # the pool leads to what was the primary: the next connection shall find the new one
                self._engine.dispose()
            raise
        except DBAPIError:
            # the commonest reason why a statement is wrong is that somebody has changed the schema
            self.check_revision()
            raise

    def pool(self) -> PoolUse:
        """How busy the connections are; asks nobody. Commands keep none."""
        pool = self._engines[Access.READ].pool
        if not isinstance(pool, QueuePool):
            return PoolUse(size=0, in_use=0)
        return PoolUse(size=pool.size(), in_use=pool.checkedout())

    def silent_connection_count(self) -> int:
        """Connections that were ended because their server was silent."""
        return self._watchdog.ended_count

    def dispose(self) -> None:
        """Close all connections."""
        self._engine.dispose()
        self._watchdog.stop()


def open_database(url: str, limits: Limits = Limits()) -> Database:  # noqa: B008 - it is frozen
    """The database at a URL such as `sqlite:///data/catalog.db` or `postgresql://user@host/catalog`.

    Raises
    ------
    CatalogUnavailable
        The URL cannot be that of a catalogue.
    """
    watchdog = Watchdog()
    try:
        checked, backend = _backend_of(make_url(url))
        engine = backend.open_engine(checked, limits, watchdog, **_pool_options(limits))
    except (ArgumentError, ImportError) as error:
        raise CatalogUnavailable(f"ZIGGURAT_DATABASE_URL: {str(error).partition(chr(10))[0]}") from error

    def begin(connection: Connection) -> None:
        access = connection.get_execution_options().get(ACCESS, Access.READ)
        for statement in backend.begin(access, limits, left_s()):
            # without parameters, the driver sends several statements in one go
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    event.listen(engine, "begin", begin)
    return Database(engine, backend, watchdog)


def _pool_options(limits: Limits) -> dict[str, Any]:
    if not limits.keeps_connections:
        return {"poolclass": NullPool}
    return {
        "poolclass": QueuePool,
        "pool_size": limits.connections,
        "max_overflow": 0,
        "pool_timeout": limits.connection_wait_s,
        "pool_use_lifo": True,
    }


def _backend_of(url: URL) -> tuple[URL, Backend]:
    backend = BACKENDS.get(url.get_backend_name())
    if backend is None:
        raise ArgumentError(f"a catalogue is in SQLite or PostgreSQL, not in {url.get_backend_name()}")
    return backend.checked_url(url), backend


@contextmanager
def _translating(*, is_committing: bool = False) -> Iterator[None]:
    """Errors that are the database's trouble, as `CatalogUnavailable`."""
    try:
        yield
    except SQLAlchemyError as error:
        trouble = trouble_of(error, is_committing=is_committing)
        if trouble is None:
            raise
        raise CatalogUnavailable(trouble.reason, cause=trouble.cause, wait_s=trouble.wait_s) from error
