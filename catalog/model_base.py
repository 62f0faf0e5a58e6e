"""What all tables share: names of constraints, and which type of column a type of Python is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Double, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase

from catalog.column_types import UtcTime

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Named, so that a migration can change a constraint on every database."""

Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only columns declared INTEGER; they hold 64 bits there."""

Slug = String(100).with_variant(String(100, collation="C"), "postgresql")
"""Ordered by code point everywhere: pages and prefixes of names are ranges."""

Json = JSON(none_as_null=True)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        float: Double,
        datetime: UtcTime,
        list[float]: Json,
        list[dict[str, Any]]: Json,
        dict[str, Any]: Json,
    }
