"""Builds of this process: one for N equal requests, running on when those who asked have left."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock
from typing import NamedTuple

from service.builds import build_pyramid, find_fresh
from service.errors import BuildCancelled
from service.house import House


class BuildKey(NamedTuple):
    """What makes two builds the same."""

    terrain_id: int
    metric: str
    revision: int


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """Shards done and to do; (0, 0) before the build is planned."""

    shards_done: int
    shards_total: int


class Build:
    """A build that runs or waits for its turn."""

    def __init__(self) -> None:
        self._progress = BuildProgress(0, 0)
        self.outcome: Future[str]

    @property
    def progress(self) -> BuildProgress:
        return self._progress

    def advance(self, done: int, total: int) -> None:
        self._progress = BuildProgress(done, total)

    async def wait(self, seconds: float) -> bool:
        """Wait for the end without holding a thread; False when it goes on.

        Raises
        ------
        BuildCancelled
            It was never begun, because the service shuts down.
        Whatever the build raised.
        """
        waiting = asyncio.wrap_future(self.outcome)
        done, _ = await asyncio.wait([waiting], timeout=seconds)
        if not done:
            return False
        if self.outcome.cancelled():
            raise BuildCancelled
        waiting.result()
        return True


class BuildDesk:
    """Takes orders for builds; equal ones join the build that is under way."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._pool = ThreadPoolExecutor(house.settings.parallel_builds, thread_name_prefix="build")
        self._builds: dict[BuildKey, Build] = {}
        self._lock = Lock()
        self._closing = Event()

    def order(self, key: BuildKey) -> Build:
        """The build of `key`: the one under way, else a new one."""
        with self._lock:
            build = self._builds.get(key)
            if build is None:
                build = Build()
                build.outcome = self._pool.submit(self._run, key, build)
                self._builds[key] = build
            return build

    def find(self, terrain_id: int, metric: str) -> Build | None:
        """The build of a pyramid that is under way, of whichever revision."""
        with self._lock:
            for key, build in self._builds.items():
                if (key.terrain_id, key.metric) == (terrain_id, metric):
                    return build
        return None

    def _run(self, key: BuildKey, build: Build) -> str:
        def on_shard(done: int, total: int) -> None:
            if self._closing.is_set():
                raise BuildCancelled
            build.advance(done, total)

        try:
            # an order may be older than the build that has just served it
            published = find_fresh(self._house, key.terrain_id, key.metric)
            return published or build_pyramid(self._house, key.terrain_id, key.metric, on_shard)
        finally:
            with self._lock:
                del self._builds[key]

    def close(self) -> None:
        """Stop builds after the shard they are at, and wait for that."""
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
