"""Which errors mean "not now": of a database that is away, busy or full, not of a statement that is wrong.

SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html,
SQLite: https://www.sqlite.org/rescode.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeGuard

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from catalog.errors import Cause


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a database does not serve."""

    reason: str
    cause: Cause
    wait_s: float = 0.0
    """Seconds until it is worth the while to try again."""


CONNECTION, LOCK, CONFLICT, READ_ONLY, LATER = Cause

POSTGRESQL: Mapping[str, Cause] = MappingProxyType(
    {
        "08": CONNECTION,  # the connection broke
        "08P01": LATER,  # a protocol was violated: pgbouncer says so when its queue is full
        "25006": READ_ONLY,  # read-only: the server is no longer the primary
        "25P03": LATER,  # idle in a transaction for too long: we were slow
        "25P04": LATER,  # a transaction took too long
        "28": LATER,  # user or password are refused
        "3D000": LATER,  # no such database
        "40001": CONFLICT,  # not serializable
        "40003": LATER,  # nobody knows whether the statement was carried out
        "40P01": CONFLICT,  # deadlock
        "42501": LATER,  # the role lacks a right
        "53": LATER,  # out of connections, memory or disk
        "55P03": LOCK,  # a lock was not to be had in time
        "57014": LATER,  # a statement took too long: so would it again
        "57P01": CONNECTION,  # an administrator ended the connection, or the server stops
        "57P02": CONNECTION,  # the server crashed
        "57P03": CONNECTION,  # the server starts
        "57P04": LATER,  # the database was dropped
        "57P05": CONNECTION,  # idle for too long
        "58": LATER,  # the system around the server fails
        "F0": LATER,  # its configuration does
        "XX": LATER,  # the server has a defect, or damaged files
    }
)
"""By SQLSTATE or by its class, the first two characters; the longer one counts."""

SQLITE: Mapping[str, Cause] = MappingProxyType(
    {
        "SQLITE_BUSY": LOCK,
        "SQLITE_LOCKED": LOCK,
        "SQLITE_PROTOCOL": LOCK,  # the race to open the write-ahead log was lost again and again
        "SQLITE_AUTH": LATER,
        "SQLITE_CANTOPEN": LATER,
        "SQLITE_CORRUPT": LATER,
        "SQLITE_FULL": LATER,
        "SQLITE_INTERRUPT": LATER,
        "SQLITE_IOERR": LATER,
        "SQLITE_NOLFS": LATER,
        "SQLITE_NOMEM": LATER,
        "SQLITE_NOTADB": LATER,
        "SQLITE_PERM": LATER,
        "SQLITE_READONLY": LATER,
    }
)
"""By primary code; extended ones, such as SQLITE_BUSY_SNAPSHOT, begin with it."""

NOT_COMMITTED = frozenset({"40001", "40P01", "SQLITE_BUSY"})
"""Whoever is told so by COMMIT knows that nothing was kept; of any other error nobody knows."""


def trouble_of(error: SQLAlchemyError, *, is_committing: bool = False) -> Trouble | None:
    """What an error says of the database; None when it is the statement that is wrong.

    Parameters
    ----------
    is_committing : bool
        Whether COMMIT was under way: then it may have been carried out although its answer was lost.
    """
    if isinstance(error, NoFreeConnection):
        return Trouble("all its connections are busy", Cause.OTHER)
    if not isinstance(error, DBAPIError):
        return None
    cause = _cause(error)
    if cause is None:
        return None
    reason = str(error.orig).partition("\n")[0]
    if is_committing and _code(error) not in NOT_COMMITTED:
        return Trouble(f"{reason}; whether the change was kept is not known", Cause.OTHER)
    return Trouble(reason, cause, wait_s=getattr(error.orig, "wait_s", 0.0))


def is_read_only(error: BaseException | None) -> TypeGuard[DBAPIError]:
    """Whether the server takes no changes in this transaction: after a failover, in none."""
    return isinstance(error, DBAPIError) and _code(error) == "25006"


def _cause(error: DBAPIError) -> Cause | None:
    """What is in the way; None when the database is not to blame."""
    code = _code(error)
    known = POSTGRESQL.get(code, POSTGRESQL.get(code[:2], SQLITE.get(_primary(code))))
    if known is None and (error.connection_invalidated or not code):
        # a connection that breaks, or is never made, has no code: the server is not there to give one
        return CONNECTION if isinstance(error, OperationalError | InterfaceError) else None
    return known


def _code(error: DBAPIError) -> str:
    """SQLSTATE or the name of SQLite's code; empty when there is none."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or ""


def _primary(code: str) -> str:
    return "_".join(code.split("_")[:2])
