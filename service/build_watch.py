"""Looks after builds that are not this process's: those it waits for, and those that nobody is at."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from random import SystemRandom
from threading import Event, Lock, Thread
from time import monotonic
from typing import Protocol

from catalog.errors import CatalogError
from catalog.repository.lease_views import LeaseView
from catalog.repository.leases import LeaseState
from catalog.repository.wanted_builds import list_wanted
from service.build_turns import RECIPES, look, on_missing_of
from service.errors import BuildCalledOff, BuildCancelled, BuildFailedBefore, ServiceError
from service.freshness import find_fresh
from service.house import House
from service.ordered_builds import Build, BuildProgress, Order, PyramidKey

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_S = 0.05

LONGEST_PAUSE_S = 0.5
"""Between two looks at a build elsewhere; the longer it has gone on, the longer."""

PAUSE_SHARE = 0.1
"""Of the time that a build was waited for."""


class Desk(Protocol):
    """Who orders builds."""

    @property
    def room(self) -> int:
        """How many builds could begin at once."""

    def order(self, terrain_id: int, metric: str, revision: int, asked: Order) -> Build:
        """Begin a build."""

    def try_again(self, key: PyramidKey, build: Build) -> None:
        """Begin a build that was waited for."""

    def finish(self, key: PyramidKey, build: Build, error: Exception | None) -> None:
        """End a build that was waited for."""


@dataclass(slots=True)
class _Followed:
    key: PyramidKey
    build: Build
    since: float = field(default_factory=monotonic)
    look_at: float = 0.0

    def pause(self) -> None:
        """Decide when to look next: not when all others do who wait for the same."""
        waited_s = monotonic() - self.since
        pause_s = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, PAUSE_SHARE * waited_s))
        self.look_at = monotonic() + SystemRandom().uniform(0.5, 1.0) * pause_s


def is_built(view: LeaseView | None) -> bool:
    """Whether a build has come to its end."""
    return view is not None and view.state is LeaseState.READY


class BuildWatch:
    """One thread for all builds that are waited for, from the start until it is closed."""

    def __init__(self, house: House, desk: Desk, looks_every_s: float) -> None:
        self._house = house
        self._desk = desk
        self._looks_every_s = looks_every_s
        self._queue_at = monotonic() + self._spread()
        self._followed: list[_Followed] = []
        self._lock = Lock()
        self._asked, self._closing = Event(), Event()
        self._thread = Thread(target=self._work, name="build-watch")
        self._thread.start()

    def follow(self, key: PyramidKey, build: Build) -> None:
        """Wait for a build that another process is at."""
        with self._lock:
            is_closing = self._closing.is_set()
            if not is_closing:
                self._followed.append(_Followed(key, build))
        if is_closing:
            self._desk.finish(key, build, BuildCancelled())
        self._asked.set()

    def stop(self) -> None:
        """Wait for nothing more."""
        with self._lock:
            self._closing.set()
            left, self._followed = self._followed, []
        for each in left:
            self._desk.finish(each.key, each.build, BuildCancelled())
        self._asked.set()

    def close(self) -> None:
        """Wait for the thread to end."""
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.is_set():
            self._asked.wait(self._pause_s())
            self._asked.clear()
            try:
                self._look_at_followed()
                self._look_at_queue()
            except (CatalogError, ServiceError) as error:
                logger.warning("builds elsewhere cannot be looked at now: %s", error)
                self._closing.wait(LONGEST_PAUSE_S)
            except Exception:
                logger.exception("builds elsewhere: unexpected error")
                self._closing.wait(self._looks_every_s)

    def _pause_s(self) -> float:
        with self._lock:
            next_at = min([self._queue_at, *(each.look_at for each in self._followed)])
        return max(0.0, next_at - monotonic())

    def _spread(self) -> float:
        return SystemRandom().uniform(0.5, 1.0) * self._looks_every_s

    def _look_at_followed(self) -> None:
        with self._lock:
            due = [each for each in self._followed if each.look_at <= monotonic()]
        for each in due:
            each.pause()
            self._look_at(each)

    def _look_at(self, each: _Followed) -> None:
        wanted = each.build.wanted
        error: BuildFailedBefore | BuildCalledOff | None = None
        try:
            view = None if wanted is None else look(self._house, wanted)
        except (BuildFailedBefore, BuildCalledOff) as ended:
            view, error = None, ended
        if error is not None or is_built(view):
            if self._forget(each):
                self._desk.finish(each.key, each.build, error)
        elif view is not None:
            each.build.progress = BuildProgress(view.shards_done, view.shards_total)
        elif self._house.settings.builds_per_replica:
            if self._forget(each):
                self._desk.try_again(each.key, each.build)
        elif self._is_served(each) and self._forget(each):
            self._desk.finish(each.key, each.build, None)

    def _is_served(self, each: _Followed) -> bool:
        """Whether a build of the other kind, with tiles missing or without, serves as well."""
        key, build = each.key, each.build
        return (
            find_fresh(self._house, key.terrain_id, key.metric, is_whole=build.order.takes_whole) is not None
        )

    def _forget(self, each: _Followed) -> bool:
        """Whether it was this thread that ends the wait."""
        with self._lock:
            if each not in self._followed:
                return False
            self._followed.remove(each)
            return True

    def _look_at_queue(self) -> None:
        """Begin what somebody wants and nobody is at."""
        if monotonic() < self._queue_at:
            return
        self._queue_at = monotonic() + self._spread()
        room = self._desk.room
        if room < 1:
            return
        with self._house.database.read() as session:
            wanted = list_wanted(session, RECIPES.values(), self._house.metrics.names, room)
        for each in wanted:
            asked = Order(on_missing=on_missing_of(each))
            self._desk.order(each.terrain_id, each.metric, each.revision, asked)
