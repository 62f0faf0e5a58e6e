"""Column types that keep what databases would lose: kinds of numbers, NaN, the time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from numbers import Integral
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


def utc_now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class NodataText(TypeDecorator[int | float]):
    """A nodata value as text: SQLite would turn NaN into NULL, and -9999 and -9999.0 into one.

    Integers of any size, floats to the last bit, NaN and ±inf come back as what they were.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> str | None:
        return _nodata_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | float | None:
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            return float(value)

    def compare_values(self, x: Any, y: Any) -> bool:
        """Equality by what is stored, so that NaN is no change of NaN."""
        return _nodata_text(x) == _nodata_text(y)


def _nodata_text(value: Any | None) -> str | None:
    if value is None:
        return None
    # numpy's scalars are numbers, too, but their repr is not one
    return str(int(value)) if isinstance(value, Integral) else repr(float(value))


class UtcTime(TypeDecorator[datetime]):
    """A moment. SQLite keeps no time zone: UTC goes in, UTC comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
