"""Registrations of this process: a thread that works on the tables in the spool, one after the other.

The catalogue is the queue. A table is locked by the thread that works on it, so what a killed
process had begun is free at once, for this one or for another one that sees the same spool.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import BinaryIO

from catalog.errors import CatalogError, RegistrationLost
from catalog.repository import registrations, staging
from catalog.repository.registrations import RegistrationProgress
from raster.errors import RasterError
from service.errors import RegistrationAbandoned, RegistrationStopped, ServiceError
from service.house import House
from service.registration_jobs import Claim, claim, fail, release
from service.spool import SpooledTable, locked
from service.table_registration import register_table

logger = logging.getLogger(__name__)

ROUND_EVERY_S = 10.0
"""How often the spool is looked at without being asked to."""

TIDY_EVERY_S = 60.0

BEAT_EVERY_S = 30.0
"""How often queued jobs are said to be here; a job is forgotten after minutes."""

ATTEMPTS = 3
"""A table that ends its process so many times is given up."""


class RegistrationDesk:
    """Works on registrations from the start until it is closed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._asked = Event()
        self._closing = Event()
        self._waiting: list[str] = []
        self._last_beat, self._last_tidy = float("-inf"), time.monotonic()
        self._thread = Thread(target=self._work, name="registrations")
        self._thread.start()

    def look(self) -> None:
        """There is a new table in the spool."""
        self._asked.set()

    def close(self) -> None:
        """Stop after the rows that are being looked at; what is not done goes on after the next start."""
        self._closing.set()
        self._asked.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.is_set():
            self._asked.clear()
            try:
                self._round()
                self._tidy()
            except (CatalogError, ServiceError) as error:
                logger.warning("registrations wait: %s", error)
            except Exception:
                logger.exception("registrations: unexpected error")
            self._asked.wait(ROUND_EVERY_S)

    def _round(self) -> None:
        tables = self._house.spool.find()
        if not tables:
            return
        with self._house.database.read() as session:
            open_ids = registrations.list_open(session)
        self._waiting = [each for each in open_ids if each in tables]
        self._beat()
        for registration_id in list(self._waiting):
            if self._closing.is_set():
                return
            with locked(tables[registration_id]) as file:
                if file is not None:
                    self._take(tables[registration_id], file)

    def _take(self, table: SpooledTable, file: BinaryIO) -> None:
        job = claim(self._house, table.registration_id)
        if job is not None and not self._run(job, table, file):
            return
        self._house.spool.remove(table.registration_id)

    def _run(self, job: Claim, table: SpooledTable, file: BinaryIO) -> bool:
        """Whether the table is needed no more."""
        try:
            if job.attempts > ATTEMPTS:
                fail(self._house, job, RegistrationAbandoned())
            else:
                register_table(self._house, job, file, table.kind, self._see)
        except RegistrationStopped:
            release(self._house, job)
            return False
        except RegistrationLost as error:
            logger.warning("%s", error)
        except (CatalogError, ServiceError, RasterError) as error:
            logger.warning("registration %s: %s", job.registration_id, error)
            return not isinstance(error, CatalogError)
        return True

    def _see(self, _: RegistrationProgress) -> None:
        if self._closing.is_set():
            raise RegistrationStopped
        self._beat()

    def _beat(self) -> None:
        """Tell that the queued jobs whose tables are here are not forgotten."""
        now = time.monotonic()
        if self._waiting and now - self._last_beat >= BEAT_EVERY_S:
            self._last_beat = now
            with self._house.database.write() as session:
                registrations.keep_waiting(session, self._waiting)

    def _tidy(self) -> None:
        """Fail what nobody works on any more, and remove what is needed no more."""
        now = time.monotonic()
        if now - self._last_tidy < TIDY_EVERY_S:
            return
        self._last_tidy = now
        abandoned = RegistrationAbandoned()
        failure = {"error": type(abandoned).__name__, "detail": str(abandoned)}
        with self._house.database.write() as session:
            registrations.fail_forgotten(session, failure)
            registrations.drop_old(session)
        is_more = True
        while is_more and not self._closing.is_set():
            with self._house.database.write() as session:
                is_more = staging.drop_staged(session)
        with self._house.database.read() as session:
            needed = set(registrations.list_open(session))
        self._house.spool.sweep(needed)
