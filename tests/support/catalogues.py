"""Catalogues for tests: files, and databases of a real PostgreSQL that is started once for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from sqlalchemy import URL, make_url

from catalog.database import open_database
from own_postgres import UNSAFE, execute, started_server

KINDS = ("sqlite", "postgresql")

SERVER_VARIABLE = "ZIGGURAT_TEST_POSTGRES"
"""Names a server to use instead of starting one: the URL of a database whose role may create others."""


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
        execute(self.url, *statements)

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
    with started_server(UNSAFE) as own, _with_template(own.url) as server:
        yield server


@contextmanager
def _with_template(url: URL) -> Iterator[PostgresServer]:
    server = PostgresServer(url)
    try:
        server.make_template()
        yield server
    finally:
        server.clear()
