"""Names of generations."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_generation_id() -> str:
    """An id that sorts by time and is never reused: g<UTC time to the microsecond>-<random>."""
    return f"g{datetime.now(UTC):%Y%m%dt%H%M%S%f}-{secrets.token_hex(4)}"
