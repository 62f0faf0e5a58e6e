"""What a build does about tiles that cannot be had."""

from __future__ import annotations

from enum import StrEnum


class OnMissing(StrEnum):
    """FAIL: it fails, and tells of all of them. MASK: it goes on without them, and says so."""

    FAIL = "fail"
    MASK = "mask"
