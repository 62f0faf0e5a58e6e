"""The database's clock: the one that all processes on a catalogue share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
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


def read_clock(session: ReadSession) -> datetime:
    """The present by the database's clock, in UTC."""
    return session.scalars(select(_Now())).one()
