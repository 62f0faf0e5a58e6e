"""Tells the catalogue that this process is at its builds, and hears from it whether to go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import Self

from catalog.database import Database
from catalog.deadline import deadline
from catalog.errors import CatalogUnavailable, LeaseLost
from catalog.repository.leases import Beat, Lease, beat
from service.errors import BuildCalledOff

logger = logging.getLogger(__name__)

TELL_EVERY_S = 1.0
"""How often others are told how far a build is, while that changes."""

BEATS_A_LEASE = 3
"""Beats within the time a lease lasts, though nothing changes: two of them may go astray."""


class Heartbeat:
    """Beats from a thread of its own while it is entered: a task that takes long keeps no lease from it.

    When the catalogue cannot be told for as long as a lease lasts, the lease counts as lost: by then
    another process may build the same.
    """

    def __init__(self, database: Database, leases: Sequence[Lease], ttl_s: float) -> None:
        self._database = database
        self._leases = list(leases)
        self._ttl_s = ttl_s
        self._progress = self._told = (0, 0)
        self._told_at = monotonic()
        self._objection: Exception | None = None
        self._ended = Event()
        self._lock = Lock()
        self._thread = Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def report(self, shards_done: int, shards_total: int) -> None:
        """Take note of how far the builds are.

        Raises
        ------
        LeaseLost, BuildCalledOff
        """
        self._progress = shards_done, shards_total
        self.check()

    def check(self) -> None:
        """Check that the builds may go on.

        Raises
        ------
        LeaseLost, BuildCalledOff
        """
        if self._objection is not None:
            raise self._objection

    def confirm(self) -> None:
        """Ask the catalogue once more, now, whether the builds may go on.

        Raises
        ------
        LeaseLost, BuildCalledOff
        """
        if self._objection is None:
            self._tell()
        self.check()

    @contextmanager
    def ending(self, lease: Lease) -> Iterator[None]:
        """What is done within ends a lease, unless it raises: from then on there is no beat for it."""
        with self._lock:
            yield
            self._leases.remove(lease)

    def _beat_on(self) -> None:
        pause_s = min(TELL_EVERY_S, self._ttl_s / BEATS_A_LEASE / 2)
        while self._objection is None and not self._ended.wait(pause_s):
            silent_s = monotonic() - self._told_at
            if self._progress != self._told or silent_s >= self._ttl_s / BEATS_A_LEASE:
                self._tell()

    def _tell(self) -> None:
        begun, progress = monotonic(), self._progress
        try:
            with self._lock, deadline(begun + self._ttl_s / BEATS_A_LEASE):
                self._objection = self._beat(*progress)
        except CatalogUnavailable as error:
            logger.warning("builds go on though the catalogue cannot be told: %s", error)
            lease = next(iter(self._leases), None)
            if lease is not None and monotonic() - self._told_at > self._ttl_s:
                self._objection = self._lost(lease)
        else:
            self._told, self._told_at = progress, begun

    def _beat(self, shards_done: int, shards_total: int) -> Exception | None:
        """Beat for all builds that go on together; why they may not go on."""
        with self._database.write() as session:
            for lease in self._leases:
                answer = beat(
                    session,
                    lease,
                    ttl_s=self._ttl_s,
                    shards_done=shards_done,
                    shards_total=shards_total,
                )
                if answer is Beat.LOST:
                    return self._lost(lease)
                if answer is Beat.CANCEL_REQUESTED:
                    return BuildCalledOff(lease.wanted.metric)
        return None

    @staticmethod
    def _lost(lease: Lease) -> LeaseLost:
        return LeaseLost(lease.wanted.terrain_id, lease.wanted.metric, lease.wanted.revision)
