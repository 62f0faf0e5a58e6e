"""The `Prefer` request header (RFC 7240): how long a client waits for a build."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.settings import Settings

_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?', re.IGNORECASE)
_ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?=$|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """Seconds to wait, and the preferences that were honoured (`Preference-Applied`)."""

    wait_s: float
    applied: str | None


def prefer_in(header: str | None, settings: Settings) -> Preference:
    """The header of a request for what may have to be built first."""
    return parse_prefer(header, default_s=settings.build_wait_s, longest_s=settings.max_build_wait_s)


def parse_prefer(header: str | None, *, default_s: float, longest_s: float) -> Preference:
    """Read the header; what it does not say is the default, what it asks too much of is capped.

    `respond-async` alone waits not at all; together with `wait` for so long.
    """
    wait, is_async = _WAIT.search(header or ""), _ASYNC.search(header or "") is not None
    if wait is None:
        return Preference(0.0, "respond-async") if is_async else Preference(default_s, None)
    seconds = min(float(wait[1]), longest_s)
    return Preference(seconds, f"{'respond-async, ' if is_async else ''}wait={seconds:g}")
