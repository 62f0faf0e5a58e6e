"""Builds ordered of this process: one for N equal requests, running on when those who asked have left."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event, Lock

from catalog.errors import LeaseLost
from catalog.repository import terrains
from catalog.repository.leases import WantedBuild
from service.build_turns import look, want, wanted_build
from service.build_watch import BuildWatch, is_built
from service.builds import build_pyramid, find_fresh
from service.errors import BuildBroken, BuildCancelled, BuildFailedBefore, BuildSuperseded
from service.exhaustion import reporting_exhaustion
from service.failures import NO_FAILURES, OURS, Failure, failure_of
from service.house import House
from service.on_missing import OnMissing
from service.ordered_builds import Build, BuildProgress, PyramidKey
from service.sweeping import Sweeper

logger = logging.getLogger(__name__)

QUEUE_EVERY_S = 5.0
"""How often the queue of wanted builds is looked at while there is room for one."""


class BuildDesk:
    """Takes orders for builds; equal ones join the build that is under way, here or in another process.

    Of a pyramid at most two builds are under way: one that began before the terrain changed, and
    one for all who asked since.
    """

    def __init__(self, house: House, *, looks_every_s: float = QUEUE_EVERY_S) -> None:
        self._house = house
        self._room = house.settings.builds_per_replica
        self._pool = ThreadPoolExecutor(max(1, self._room), thread_name_prefix="build")
        self._latest: dict[tuple[PyramidKey, OnMissing], Build] = {}
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
        on_missing: OnMissing = OnMissing.FAIL,
        *,
        insists: bool = False,
    ) -> Build:
        """The build that gives this revision or a newer one: the one under way, else a new one.

        Parameters
        ----------
        on_missing : OnMissing
            What to do about tiles that cannot be had.
        insists : bool
            Whether to try again what has failed a short time ago.

        Raises
        ------
        BuildCancelled
            The service shuts down.
        ResourcesExhausted
            There is no thread for it.
        """
        key = PyramidKey(terrain_id, metric)
        with self._lock, reporting_exhaustion():
            build = self._latest.get((key, on_missing))
            if build is None or not build.holds(revision):
                build = Build(on_missing, insists=insists)
                self._submit(key, build)
                self._latest[key, on_missing] = build
            return build

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
        """The build of a pyramid that is under way, the latest if there are two."""
        with self._lock:
            key = PyramidKey(terrain_id, metric)
            found = (self._latest.get((key, on_missing)) for on_missing in OnMissing)
            return next((build for build in found if build is not None), None)

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
            return self._room - len(self._latest)

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
        wanted = self._begin(key, build)
        # an order may be older than the build that has just served it
        if find_fresh(self._house, key.terrain_id, key.metric, is_whole=build.takes_whole) is not None:
            return True
        if not self._room:
            want(self._house, wanted, insists=build.insists)
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
                on_missing=build.on_missing,
                insists=build.insists,
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
            wanted = wanted_build(terrains.get_terrain(session, key.terrain_id), key.metric, build.on_missing)
        with self._lock:
            build.wanted = wanted
        return wanted

    def finish(self, key: PyramidKey, build: Build, error: Exception | None) -> None:
        """A build has come to its end, here or elsewhere."""
        is_failure = error is not None and not isinstance(error, NO_FAILURES)
        with self._lock:
            self._failures.pop(key, None)
            if error is not None and is_failure:
                self._failures[key] = failure_of(error)
            if self._latest.get((key, build.on_missing)) is build:
                del self._latest[key, build.on_missing]
        if error is None:
            build.outcome.set_result(None)
        else:
            build.outcome.set_exception(error)

    def stop(self) -> None:
        """Let no build begin, and stop those that run after the shard they are at."""
        with self._lock:
            self._closing.set()
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
