"""What route functions share: the wired house, and threads behind a gate for whatever blocks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Annotated, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from catalog.deadline import deadline
from service.build_desk import BuildDesk
from service.exhaustion import reporting_exhaustion
from service.gate import Gate
from service.house import House
from service.last_good import LastGood
from service.levels import LevelReader
from service.map_tiles import KeptViews, MapReader
from service.open_pyramids import OpenPyramids
from service.registration_desk import RegistrationDesk
from service.retrying import try_again
from service.sharing import Shared
from service.zarr_reader import ZarrReader

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The front door's counter: one for each application."""

    house: House
    builds: BuildDesk
    pyramids: OpenPyramids
    levels: LevelReader
    maps: MapReader
    views: KeptViews
    zarrs: ZarrReader
    registrations: RegistrationDesk
    last_good: LastGood
    gate: Gate
    shared: Shared
    threads: CapacityLimiter
    """As many as the gate lets pass: nobody waits here."""

    def is_leaving(self) -> bool:
        """Whether builds are told to stop: what waits for them should end."""
        return self.builds.is_closing

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in one of the request threads, and wait for it.

        Routes are coroutines and block nowhere else, so a route that needs no thread, such as
        health, answers while all threads are busy.

        What the function asks of the catalogue has to be answered within `ZIGGURAT_DEADLINE_S`
        from now. It begins in the first half of that, so that the second one is left to it, and
        may be run again when the catalogue was away before anything was changed: it writes to the
        catalogue in one session at most, the last one.

        Raises
        ------
        Overloaded
            Too many requests work and wait already.
        ResourcesExhausted
            There is no thread or no memory for it.
        Whatever the function raises.
        """
        deadline_s = self.house.settings.deadline_s
        begun = monotonic()
        latest = begun + deadline_s / 2
        work = partial(function, *args, **kwargs)

        async def attempt() -> T:
            async with self.gate.turn(latest):
                with deadline(begun + deadline_s):
                    return await to_thread.run_sync(work, limiter=self.threads)

        with reporting_exhaustion():
            return await try_again(attempt, latest, self.house.tally)

    async def share(self, key: Hashable, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, but once for all who ask under the same key before it begins.

        Raises
        ------
        What `run` raises.
        """
        return await self.shared.run((function, key), partial(self.run, function, *args, **kwargs))

    async def take_turn(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await what reads the store and not the catalogue, as one of those that the gate lets pass.

        Raises
        ------
        Overloaded, ResourcesExhausted
        Whatever the function raises.
        """
        latest = monotonic() + self.house.settings.deadline_s / 2
        with reporting_exhaustion():
            async with self.gate.turn(latest):
                return await function(*args, **kwargs)


def open_desk(house: House) -> Desk:
    """Wire the counter. Must be called in the event loop that serves."""
    threads = house.settings.request_threads
    pyramids = OpenPyramids(house)
    return Desk(
        house,
        BuildDesk(house),
        pyramids,
        LevelReader(house, pyramids),
        MapReader(pyramids),
        KeptViews(house),
        ZarrReader(house),
        RegistrationDesk(house),
        LastGood(house),
        Gate(threads, house.settings.request_queue),
        Shared(),
        CapacityLimiter(threads),
    )


def desk_of(request: Request) -> Desk:
    """The application's desk."""
    desk: Desk = request.app.state.desk
    return desk


async def _given_desk(request: Request) -> Desk:
    # a coroutine: FastAPI runs any other dependency in a thread
    return desk_of(request)


GivenDesk = Annotated[Desk, Depends(_given_desk)]
