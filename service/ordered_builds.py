"""A build as those see it who ordered it: how far it is, and how it ends."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from catalog.repository.leases import WantedBuild
from service.on_missing import OnMissing


class PyramidKey(NamedTuple):
    """Which pyramid is built."""

    terrain_id: int
    metric: str


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """Shards done and to do; (0, 0) before the build is planned."""

    shards_done: int
    shards_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a pyramid is asked for.

    Attributes
    ----------
    on_missing : OnMissing
        What a build does about tiles that cannot be had.
    takes_any : bool
        Whether a pyramid will do that misses tiles though this order would not build it so: for who
        only asks for a level.
    insists : bool
        Whether to try again what has failed a short time ago.
    """

    on_missing: OnMissing = OnMissing.FAIL
    takes_any: bool = False
    insists: bool = False

    @property
    def takes_whole(self) -> bool:
        """Whether only a pyramid will do that misses no tiles."""
        return self.on_missing is OnMissing.FAIL and not self.takes_any

    def is_served_by(self, other: Order) -> bool:
        """Whether the build of another order does all that this one asks for."""
        is_kind = self.takes_any or other.on_missing is self.on_missing
        is_strict = other.takes_whole or not self.takes_whole
        return is_kind and is_strict and (other.insists or not self.insists)


WHOLE = Order()
"""A pyramid of all tiles, unless that has failed a short time ago."""


class Build:
    """A build that runs here or elsewhere, or waits for its turn."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.progress = BuildProgress(0, 0)
        self.outcome: Future[None] = Future()
        # what is built; None until its turn comes, and whatever is asked for is in it
        self.wanted: WantedBuild | None = None

    @property
    def revision(self) -> int | None:
        """What it builds from at least."""
        return None if self.wanted is None else self.wanted.revision

    def holds(self, revision: int) -> bool:
        """Whether its outcome is of the terrain's revision or of a newer one."""
        return self.wanted is None or self.wanted.revision >= revision

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
        error = self.outcome.exception()
        if error is not None:
            # one error for all who wait: each of them would make its traceback longer
            raise error.with_traceback(None)
        return True
