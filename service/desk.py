"""What route functions share: the wired house, and threads of a bounded number for whatever blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from service.build_desk import BuildDesk
from service.exhaustion import reporting_exhaustion
from service.house import House
from service.levels import LevelReader
from service.registration_desk import RegistrationDesk
from service.retrying import try_again

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The front door's counter: one for each application."""

    house: House
    builds: BuildDesk
    levels: LevelReader
    registrations: RegistrationDesk
    limiter: CapacityLimiter

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in one of the request threads, and wait for it.

        Routes are coroutines and block nowhere else, so a route that needs no thread, such as
        health, answers while all threads are busy.

        The function may be run again when the catalogue was away before anything was changed, so
        it writes to it in one session at most, the last one.

        Raises
        ------
        ResourcesExhausted
            There is no thread or no memory for it.
        Whatever the function raises.
        """
        run = partial(to_thread.run_sync, partial(function, *args, **kwargs), limiter=self.limiter)
        with reporting_exhaustion():
            return await try_again(run)


def open_desk(house: House) -> Desk:
    """Wire the counter. Must be called in the event loop that serves."""
    limiter = CapacityLimiter(house.settings.request_threads)
    return Desk(house, BuildDesk(house), LevelReader(house), RegistrationDesk(house), limiter)


def desk_of(request: Request) -> Desk:
    """The application's desk."""
    desk: Desk = request.app.state.desk
    return desk


async def _given_desk(request: Request) -> Desk:
    # a coroutine: FastAPI runs any other dependency in a thread
    return desk_of(request)


GivenDesk = Annotated[Desk, Depends(_given_desk)]
