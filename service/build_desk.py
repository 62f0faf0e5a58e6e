"""Builds of this process: one for N equal requests, running on when those who asked have left."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event, Lock
from typing import NamedTuple

from catalog.repository import terrains
from service.builds import build_pyramid, find_fresh
from service.errors import BuildBroken, BuildCancelled, BuildSuperseded
from service.exhaustion import reporting_exhaustion
from service.failures import NO_FAILURES, OURS, Failure, failure_of
from service.house import House

logger = logging.getLogger(__name__)


class PyramidKey(NamedTuple):
    """Which pyramid is built."""

    terrain_id: int
    metric: str


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """Shards done and to do; (0, 0) before the build is planned."""

    shards_done: int
    shards_total: int


class Build:
    """A build that runs or waits for its turn."""

    def __init__(self) -> None:
        self.progress = BuildProgress(0, 0)
        self.outcome: Future[None]
        # what it builds from at least; None until its turn comes, and whatever is asked for is in it
        self.revision: int | None = None

    def holds(self, revision: int) -> bool:
        """Whether its outcome is of the terrain's revision or of a newer one."""
        return self.revision is None or self.revision >= revision

    async def wait(self, seconds: float) -> bool:
        """Wait for the end without holding a thread; False when it goes on.

        Whoever leaves, by the clock or because the client is gone, does not stop the build.

        Raises
        ------
        BuildCancelled
            It was stopped, or never begun, because the service shuts down.
        Whatever the build raised.
        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        self.outcome.add_done_callback(tell)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), seconds)
        if not self.outcome.done():
            return False
        if self.outcome.cancelled():
            raise BuildCancelled
        error = self.outcome.exception()
        if error is not None:
            # one error for all who wait: each of them would make its traceback longer
            raise error.with_traceback(None)
        return True


class BuildDesk:
    """Takes orders for builds; equal ones join the build that is under way.

    Of a pyramid at most two builds are under way: one that began before the terrain changed, and
    one for all who asked since.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._pool = ThreadPoolExecutor(house.settings.parallel_builds, thread_name_prefix="build")
        self._latest: dict[PyramidKey, Build] = {}
        # beside what the catalogue knows: it may be what failed
        self._failures: dict[PyramidKey, Failure] = {}
        self._lock = Lock()
        self._closing = Event()

    def order(self, terrain_id: int, metric: str, revision: int) -> Build:
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
            build = self._latest.get(key)
            if build is None or not build.holds(revision):
                if self._closing.is_set():
                    raise BuildCancelled
                build = Build()
                # its log lines bear the id of the request that ordered it
                build.outcome = self._pool.submit(copy_context().run, self._run, key, build)
                self._latest[key] = build
            return build

    def find(self, terrain_id: int, metric: str) -> Build | None:
        """The build of a pyramid that is under way, the latest if there are two."""
        with self._lock:
            return self._latest.get(PyramidKey(terrain_id, metric))

    def find_failure(self, terrain_id: int, metric: str) -> Failure | None:
        """Why the last build of a pyramid failed in this process; None when it did not."""
        with self._lock:
            return self._failures.get(PyramidKey(terrain_id, metric))

    def forget_failure(self, terrain_id: int, metric: str) -> None:
        """The pyramid is dropped: nothing is wrong with it any more."""
        with self._lock:
            self._failures.pop(PyramidKey(terrain_id, metric), None)

    def _run(self, key: PyramidKey, build: Build) -> None:
        failure: Failure | None = None
        try:
            self._attempt(key, build)
        except NO_FAILURES:
            raise
        except Exception as error:
            failure = failure_of(error)
            raise
        finally:
            self._end(key, build, failure)

    def _attempt(self, key: PyramidKey, build: Build) -> None:
        """Build, and note in the log what went wrong: whoever asked may have left."""
        try:
            with reporting_exhaustion():
                self._begin(key, build)
                # an order may be older than the build that has just served it
                if find_fresh(self._house, key.terrain_id, key.metric) is None:
                    self._build(key, build)
        except BuildSuperseded:
            pass  # as good as done: what is in use now is newer
        except OURS as error:
            logger.warning("pyramid %s of terrain %d: %s", key.metric, key.terrain_id, error)
            raise
        except BaseException as error:
            logger.exception("pyramid %s of terrain %d: unexpected error", key.metric, key.terrain_id)
            raise BuildBroken from error

    def _end(self, key: PyramidKey, build: Build, failure: Failure | None) -> None:
        with self._lock:
            self._failures.pop(key, None)
            if failure is not None:
                self._failures[key] = failure
            if self._latest.get(key) is build:
                del self._latest[key]

    def _begin(self, key: PyramidKey, build: Build) -> None:
        """Say from which revision on the terrain is built, before it is read to be built."""
        with self._house.database.read() as session:
            revision = terrains.get_terrain(session, key.terrain_id).revision
        with self._lock:
            build.revision = revision

    def _build(self, key: PyramidKey, build: Build) -> None:
        def on_shard(done: int, total: int) -> None:
            if self._closing.is_set():
                raise BuildCancelled
            build.progress = BuildProgress(done, total)

        with self._house.tally.build(key.metric), reporting_exhaustion():
            build_pyramid(self._house, key.terrain_id, key.metric, on_shard)

    def stop(self) -> None:
        """Let no build begin, and stop those that run after the shard they are at."""
        with self._lock:
            self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Stop builds, and wait for that."""
        self.stop()
        self._pool.shutdown(wait=True)
