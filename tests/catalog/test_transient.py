"""The table of errors that mean "not now"."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InvalidRequestError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from catalog.errors import Cause
from catalog.transient import Trouble, trouble_of

NOW, LATER, DEFECT = True, False, None

SQLSTATES = {
    "08000": NOW, "08001": NOW, "08003": NOW, "08004": NOW, "08006": NOW, "08007": NOW, "08P01": LATER,
    "22001": DEFECT, "22003": DEFECT, "22021": DEFECT, "23502": DEFECT, "23503": DEFECT, "23505": DEFECT,
    "25001": DEFECT, "25006": NOW, "25P02": DEFECT, "25P03": LATER, "25P04": LATER, "26000": DEFECT,
    "28000": LATER, "28P01": LATER, "3D000": LATER, "40000": DEFECT, "40001": NOW, "40003": LATER,
    "40P01": NOW, "42501": LATER, "42601": DEFECT, "42703": DEFECT, "42P01": DEFECT, "53000": LATER,
    "53100": LATER, "53200": LATER, "53300": LATER, "53400": LATER, "55P03": NOW, "57014": LATER,
    "57P01": NOW, "57P02": NOW, "57P03": NOW, "57P04": LATER, "57P05": NOW, "58000": LATER, "58030": LATER,
    "F0000": LATER, "XX000": LATER, "XX001": LATER, "XX002": LATER,
}  # fmt: skip

SQLITE_CODES = {
    "SQLITE_BUSY": NOW, "SQLITE_BUSY_SNAPSHOT": NOW, "SQLITE_LOCKED": NOW, "SQLITE_LOCKED_SHAREDCACHE": NOW,
    "SQLITE_PROTOCOL": NOW, "SQLITE_FULL": LATER, "SQLITE_IOERR": LATER, "SQLITE_IOERR_WRITE": LATER,
    "SQLITE_CANTOPEN": LATER, "SQLITE_NOTADB": LATER, "SQLITE_CORRUPT": LATER, "SQLITE_READONLY": LATER,
    "SQLITE_READONLY_DBMOVED": LATER, "SQLITE_PERM": LATER, "SQLITE_AUTH": LATER, "SQLITE_NOMEM": LATER,
    "SQLITE_INTERRUPT": LATER, "SQLITE_ERROR": DEFECT, "SQLITE_CONSTRAINT_UNIQUE": DEFECT,
    "SQLITE_MISMATCH": DEFECT, "SQLITE_MISUSE": DEFECT, "SQLITE_RANGE": DEFECT, "SQLITE_TOOBIG": DEFECT,
}  # fmt: skip


def of_postgresql(sqlstate: str) -> DBAPIError:
    kind: Any = psycopg.errors.lookup(sqlstate) if sqlstate != "F0000" else psycopg.errors.ConfigFileError
    original = kind("it says\nmore")
    return DBAPIError.instance("SELECT 1", {}, original, psycopg.Error)  # type: ignore[no-any-return]


def of_sqlite(name: str) -> DBAPIError:
    original = sqlite3.OperationalError("it says\nmore")
    original.sqlite_errorname = name
    return OperationalError("SELECT 1", {}, original)


def retryable(error: SQLAlchemyError, *, is_committing: bool = False) -> bool | None:
    trouble = trouble_of(error, is_committing=is_committing)
    return None if trouble is None else trouble.cause is not Cause.OTHER


@pytest.mark.parametrize(("code", "expected"), SQLSTATES.items())
def test_an_sqlstate_says_whether_to_try_again(code: str, expected: bool | None) -> None:
    assert retryable(of_postgresql(code)) is expected


@pytest.mark.parametrize(("code", "expected"), SQLITE_CODES.items())
def test_a_code_of_sqlite_says_whether_to_try_again(code: str, expected: bool | None) -> None:
    assert retryable(of_sqlite(code)) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoFreeConnection("pool"), LATER),
        (OperationalError("", {}, psycopg.OperationalError("connection failed")), NOW),
        (InterfaceError("", {}, psycopg.InterfaceError("closed")), NOW),
        (OperationalError("", {}, psycopg.errors.ConnectionTimeout("timeout")), NOW),
        (DataError("", {}, psycopg.DataError("NUL")), DEFECT),
        (ProgrammingError("", {}, psycopg.ProgrammingError("no such placeholder")), DEFECT),
        (IntegrityError("", {}, psycopg.IntegrityError("?")), DEFECT),
        (ProgrammingError("", {}, sqlite3.ProgrammingError("closed")), DEFECT),
        (InvalidRequestError("ours"), DEFECT),
    ],
)
def test_an_error_without_a_code_is_known_by_its_kind(error: SQLAlchemyError, expected: bool | None) -> None:
    assert retryable(error) is expected


@pytest.mark.parametrize("code", [code for code, expected in SQLSTATES.items() if expected is not DEFECT])
def test_a_commit_is_tried_again_only_when_it_surely_was_none(code: str) -> None:
    assert retryable(of_postgresql(code), is_committing=True) is (code in {"40001", "40P01"})


def test_the_reason_is_one_line() -> None:
    assert trouble_of(of_postgresql("57P01")) == Trouble("it says", Cause.CONNECTION)
