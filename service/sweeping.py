"""Sweeps the store now and then, in every process that builds, at moments of its own."""

from __future__ import annotations

import logging
from random import SystemRandom
from threading import Event, Thread

from catalog.errors import CatalogError
from service.collection import collect
from service.errors import BuildCancelled, ServiceError
from service.house import House

LEFT_WITHIN_S = 5.0
"""What a sweep has not finished then ends with the process, and the next one goes on there."""

logger = logging.getLogger(__name__)


class Sweeper:
    """One thread, from the start until it is closed; sweeps of several processes do not hurt each other."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._closing = Event()
        self._thread = Thread(target=self._work, name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no further sweep, and leave the present one."""
        self._closing.set()

    def close(self) -> None:
        """Wait until a sweep that is under way is left; not for a store that does not answer."""
        self.stop()
        self._thread.join(LEFT_WITHIN_S)

    def _work(self) -> None:
        every_s = self._house.settings.sweep_every_s
        # the first one comes soon or late: hundreds of replicas may start together
        while not self._closing.wait(SystemRandom().uniform(0, 2 * every_s)):
            self._sweep()

    def _go_on(self, _done: int, _total: int) -> None:
        if self._closing.is_set():
            raise BuildCancelled

    def _sweep(self) -> None:
        try:
            collected = collect(self._house, self._go_on, dry_run=False)
        except BuildCancelled:
            logger.info("a sweep of the store is left unfinished")
        except (CatalogError, ServiceError) as error:
            logger.warning("the store is not swept this time: %s", error)
        except Exception:
            logger.exception("sweeping the store: unexpected error")
        else:
            if collected:
                size = sum(each.byte_count for each in collected)
                logger.info("swept %d generations of %d bytes out of the store", len(collected), size)
