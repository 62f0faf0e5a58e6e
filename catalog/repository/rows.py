"""From value types to rows, and what statements did to them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite

from catalog.database import WriteSession
from catalog.model_base import Base

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def columns_of(value: DataclassInstance) -> dict[str, Any]:
    """The fields of a value type as columns of the same names."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def count_changed(result: Any) -> int:
    """How many rows a statement changed."""
    return result.rowcount if isinstance(result, CursorResult) else 0


def insert_into(session: WriteSession, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An insertion that can say what is to be done with a row that is there: each database has its own."""
    is_postgresql = session.get_bind().dialect.name == postgresql.dialect.name
    return postgresql.insert(table) if is_postgresql else sqlite.insert(table)
