"""A lock that the database keeps until the transaction ends.

One of a server's session would outlive it behind a pooler. In SQLite whoever writes is alone as it is.
"""

from __future__ import annotations

from sqlalchemy import Text, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from catalog.database import WriteSession

LEASES_LOCK = 8_243_118_098
"""Any number, but that of `catalog.postgresql.MIGRATION_LOCK`."""


class _LeasesLock(FunctionElement[str]):
    inherit_cache = True
    type = Text()


@compiles(_LeasesLock, "sqlite")
def _sqlite_lock(_element: _LeasesLock, _compiler: SQLCompiler, **_: object) -> str:
    return "NULL"


@compiles(_LeasesLock, "postgresql")
def _postgresql_lock(_element: _LeasesLock, _compiler: SQLCompiler, **_: object) -> str:
    return f"pg_advisory_xact_lock({LEASES_LOCK})"


def lock_leases(session: WriteSession) -> None:
    """Keep others from doing what needs all leases to stay, until the session ends."""
    session.execute(select(_LeasesLock()))
