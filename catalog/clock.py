"""The database's clock: the one that all processes on a catalogue share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from catalog.column_types import UtcTime
from catalog.database import ReadSession


class _Now(FunctionElement[datetime]):
    inherit_cache = True
    type = UtcTime()


@compiles(_Now, "sqlite")
def _sqlite_now(_element: _Now, _compiler: SQLCompiler, **_: object) -> str:
    # as text of microseconds, which is how times are kept there; doubled signs are the driver's
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(_Now, "postgresql")
def _postgresql_now(_element: _Now, _compiler: SQLCompiler, **_: object) -> str:
    return "clock_timestamp()"


class SecondsNow(FunctionElement[float]):
    """The present in seconds since 1970, as a part of a statement: each row sees it when it is changed."""

    inherit_cache = True
    type = Double()


@compiles(SecondsNow, "sqlite")
def _sqlite_seconds(_element: SecondsNow, _compiler: SQLCompiler, **_: object) -> str:
    # 1970 began at Julian day 2440587.5; days are kept there to the millisecond
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(SecondsNow, "postgresql")
def _postgresql_seconds(_element: SecondsNow, _compiler: SQLCompiler, **_: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


def read_clock(session: ReadSession) -> datetime:
    """The present by the database's clock, in UTC."""
    return session.scalars(select(_Now())).one()
