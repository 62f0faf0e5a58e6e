"""From value types to rows, and what statements did to them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def columns_of(value: DataclassInstance) -> dict[str, Any]:
    """The fields of a value type as columns of the same names."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def count_changed(result: Any) -> int:
    """How many rows a statement changed."""
    return result.rowcount if isinstance(result, CursorResult) else 0
