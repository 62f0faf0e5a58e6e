"""Builds ordered of this process: one for N equal requests, running on when those who asked have left."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event, Lock

from catalog.errors import LeaseLost
from catalog.repository import terrains
from catalog.repository.leases import WantedBuild
from service.build_turns import find_live, look, on_missing_of, want, wanted_build, withdraw
from service.build_watch import BuildWatch, is_built
from service.builds import build_pyramid
from service.errors import BuildBroken, BuildCancelled, BuildFailedBefore, BuildSuperseded
from service.exhaustion import reporting_exhaustion
from service.failures import NO_FAILURES, OURS, Failure, failure_of
from service.freshness import find_fresh
from service.house import House
from service.ordered_builds import WHOLE, Build, BuildProgress, Order, PyramidKey
from service.sweeping import Sweeper

logger = logging.getLogger(__name__)

QUEUE_EVERY_S = 5.0
"""How often the queue of wanted builds is looked at while there is room for one."""


class BuildDesk:
    """Takes orders for builds; equal ones join the build that is under way, here or in another process.

    Another one is begun for an order that no build under way serves: the terrain has changed since that
    began, or more is asked for.
    """

    def __init__(self, house: House, *, looks_every_s: float = QUEUE_EVERY_S) -> None:
        self._house = house
        self._room = house.settings.builds_per_replica
        self._pool = ThreadPoolExecutor(max(1, self._room), thread_name_prefix="build")
        # the latest order last
        self._under_way: dict[Build, PyramidKey] = {}
        # beside what the catalogue knows: it may be what failed
        self._failures: dict[PyramidKey, Failure] = {}
        self._lock = Lock()
        self._closing = Event()
        self._watch = BuildWatch(house, self, looks_every_s)
        self._sweeper = Sweeper(house) if house.settings.builds_per_replica else None

    def order(
        self,
        terrain_id: int,
        metric: str,
        revision: int,
        asked: Order = WHOLE,
    ) -> Build:
        """The build that gives this revision or a newer one: the one under way, else a new one.

        Raises
        ------
        BuildCancelled
            The service shuts down.
        ResourcesExhausted
            There is no thread for it.
        """
        key = PyramidKey(terrain_id, metric)
        with self._lock, reporting_exhaustion():
            build = self._find_serving(key, revision, asked)
            if build is None:
                build = Build(asked)
                self._submit(key, build)
                self._under_way[build] = key
            return build

    def is_under_way(self, terrain_id: int, metric: str, revision: int, asked: Order) -> bool:
        """Whether an order would join a build that was ordered before."""
        with self._lock:
            return self._find_serving(PyramidKey(terrain_id, metric), revision, asked) is not None

    def _find_serving(self, key: PyramidKey, revision: int, asked: Order) -> Build | None:
        found = (build for build in self._latest_of(key) if build.holds(revision))
        return next((build for build in found if asked.is_served_by(build.order)), None)

    def _latest_of(self, key: PyramidKey) -> list[Build]:
        return [build for build, of in reversed(self._under_way.items()) if of == key]

    def try_again(self, key: PyramidKey, build: Build) -> None:
        """It is nobody's turn to build any more: perhaps it is ours now.

        Raises
        ------
        BuildCancelled, ResourcesExhausted
        """
        with self._lock, reporting_exhaustion():
            self._submit(key, build)

    def _submit(self, key: PyramidKey, build: Build) -> None:
        if self._closing.is_set():
            raise BuildCancelled
        # its log lines bear the id of the request that ordered it
        turn = self._pool.submit(copy_context().run, self._run, key, build)
        turn.add_done_callback(lambda it: self._finish_cancelled(key, build) if it.cancelled() else None)

    def _finish_cancelled(self, key: PyramidKey, build: Build) -> None:
        self.finish(key, build, BuildCancelled())

    def find(self, terrain_id: int, metric: str) -> Build | None:
        """The build of a pyramid that is under way: of several the one that has begun, else the latest."""
        with self._lock:
            found = self._latest_of(PyramidKey(terrain_id, metric))
        has_begun = (build for build in found if build.progress.shards_total)
        return next(has_begun, found[0] if found else None)

    def find_failure(self, terrain_id: int, metric: str) -> Failure | None:
        """Why the last build of a pyramid failed in this process; None when it did not."""
        with self._lock:
            return self._failures.get(PyramidKey(terrain_id, metric))

    def forget_failure(self, terrain_id: int, metric: str) -> None:
        """The pyramid is dropped: nothing is wrong with it any more."""
        with self._lock:
            self._failures.pop(PyramidKey(terrain_id, metric), None)

    @property
    def is_closing(self) -> bool:
        """Whether no build begins here any more."""
        return self._closing.is_set()

    @property
    def room(self) -> int:
        """How many builds could begin here at once."""
        with self._lock:
            return self._room - len(self._under_way)

    def _run(self, key: PyramidKey, build: Build) -> None:
        try:
            is_done = self._attempt(key, build)
        except OURS as error:
            self.finish(key, build, error)
            return
        if is_done:
            self.finish(key, build, None)
        else:
            self._watch.follow(key, build)

    def _attempt(self, key: PyramidKey, build: Build) -> bool:
        """Build, and note in the log what went wrong: whoever asked may have left.

        Returns
        -------
        False when another process is at it, or will be
        """
        try:
            with reporting_exhaustion():
                return self._build(key, build)
        except BuildSuperseded:
            return True  # as good as done: what is in use now is newer
        except BuildFailedBefore:
            raise
        except OURS as error:
            if self._closing.is_set():
                raise BuildCancelled from error
            logger.warning("pyramid %s of terrain %d: %s", key.metric, key.terrain_id, error)
            raise
        except BaseException as error:
            logger.exception("pyramid %s of terrain %d: unexpected error", key.metric, key.terrain_id)
            raise BuildBroken from error

    def _build(self, key: PyramidKey, build: Build) -> bool:
        wanted, order = self._begin(key, build), build.order
        # an order may be older than the build that has just served it
        if find_fresh(self._house, key.terrain_id, key.metric, is_whole=order.takes_whole) is not None:
            if not order.takes_any:
                withdraw(self._house, wanted)  # else it is the first of the queue for ever
            return True
        if on_missing_of(wanted) is not order.on_missing:
            return False  # another one is under way, which will do
        if not self._room:
            want(self._house, wanted, insists=order.insists)
            return False

        def on_shard(done: int, total: int) -> None:
            if self._closing.is_set():
                raise BuildCancelled
            build.progress = BuildProgress(done, total)

        try:
            built = build_pyramid(
                self._house,
                key.terrain_id,
                key.metric,
                on_shard,
                on_missing=order.on_missing,
                insists=order.insists,
            )
        except LeaseLost as error:
            logger.warning("pyramid %s of terrain %d: %s", key.metric, key.terrain_id, error)
            return False
        return built is not None or is_built(look(self._house, wanted))

    def _begin(self, key: PyramidKey, build: Build) -> WantedBuild:
        """Say from which revision on the terrain is built, before it is read to be built."""
        if self._closing.is_set():
            raise BuildCancelled
        with self._house.database.read() as session:
            terrain = terrains.get_terrain(session, key.terrain_id)
            live = find_live(session, terrain, key.metric) if build.order.takes_any else None
        wanted = live or wanted_build(terrain, key.metric, build.order.on_missing)
        with self._lock:
            build.wanted = wanted
        return wanted

    def finish(self, key: PyramidKey, build: Build, error: Exception | None) -> None:
        """A build has come to its end, here or elsewhere."""
        is_failure = error is not None and not isinstance(error, NO_FAILURES)
        with self._lock:
            if build not in self._under_way:
                return  # told already, when all were stopped
            self._failures.pop(key, None)
            if error is not None and is_failure:
                self._failures[key] = failure_of(error)
            del self._under_way[build]
        if error is None:
            build.outcome.set_result(None)
        else:
            build.outcome.set_exception(error)

    def stop(self) -> None:
        """Let no build begin, and stop those that run after the shard they are at.

        Who waits for one is told at once: a shard may take longer than requests are given to end.
        """
        with self._lock:
            self._closing.set()
            stopped, self._under_way = list(self._under_way), {}
        for build in stopped:
            build.outcome.set_exception(BuildCancelled())
        self._watch.stop()
        if self._sweeper is not None:
            self._sweeper.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Stop builds, and wait for that."""
        self.stop()
        self._watch.close()
        if self._sweeper is not None:
            self._sweeper.close()
        self._pool.shutdown(wait=True)
