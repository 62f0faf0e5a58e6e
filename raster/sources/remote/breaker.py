"""Hosts that fail again and again are left alone for a while, so that a thousand tiles of one do not wait."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic

from raster.errors import SourceUnreachable

FAILURES_IN_A_ROW = 5

PAUSE_S = 30.0

MOST_HOSTS = 1000


@dataclass(slots=True)
class _Record:
    failures: int = 0
    until: float = 0.0


class Breaker:
    """Counts failures in a row of each host."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Record] = {}
        self._lock = Lock()

    def check(self, url: str, host: str) -> None:
        """Refuse to ask a host that has failed too often.

        Raises
        ------
        SourceUnreachable
        """
        with self._lock:
            record = self._hosts.get(host)
        if record is not None and monotonic() < record.until:
            raise SourceUnreachable(
                url, f"its server failed {record.failures} times in a row, and is left alone for a while"
            )

    def note(self, host: str, *, failed: bool) -> None:
        """A host was asked."""
        with self._lock:
            if not failed:
                self._hosts.pop(host, None)
                return
            if len(self._hosts) >= MOST_HOSTS:
                self._hosts.clear()
            record = self._hosts.setdefault(host, _Record())
            record.failures += 1
            if record.failures >= FAILURES_IN_A_ROW:
                record.until = monotonic() + PAUSE_S
