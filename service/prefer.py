"""The `Prefer` request header (RFC 7240): how long a client waits for a build."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?', re.IGNORECASE)
_ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?=$|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """Seconds to wait, and the preferences that were honoured (`Preference-Applied`)."""

    wait_s: float
    applied: str | None


def parse_prefer(header: str | None, *, default_s: float, longest_s: float) -> Preference:
    """Read the header; what it does not say is the default, what it asks too much of is capped."""
    if header and _ASYNC.search(header):
        return Preference(0.0, "respond-async")
    wait = _WAIT.search(header or "")
    if wait is None:
        return Preference(default_s, None)
    seconds = min(float(wait[1]), longest_s)
    return Preference(seconds, f"wait={seconds:g}")
