"""Whether this replica should be sent requests. Asking costs nothing: neither a thread nor a connection."""

from __future__ import annotations

import logging

from anyio import CapacityLimiter, sleep, to_thread

from catalog.database import Database
from catalog.errors import CatalogError, CatalogUnavailable, SchemaOutdated
from service.errors import NotReady

logger = logging.getLogger(__name__)

SCHEMA_CHECK_S = 30.0
"""Seconds between two looks at the schema's revision; it changes when a newer version is rolled out."""


UNREADY_CHECK_S = 1.0
"""While it is not the right one."""


class Readiness:
    """Started, on the right schema, and not about to leave.

    A catalogue that cannot be reached changes nothing: all replicas share it and would vanish at
    once, and what needs no catalogue is still answered.
    """

    def __init__(self) -> None:
        self._refusal: NotReady | None = NotReady("it is starting")
        self._unchecked: CatalogError | None = None
        self.is_draining = False

    def start(self, unchecked: CatalogError | None = None) -> None:
        """The desk is open. The schema is right, unless a reason is given why that is not known."""
        self._refusal, self._unchecked = None, unchecked

    def drain(self) -> None:
        """Requests are still answered, but should go elsewhere; there is no way back."""
        self._refusal = NotReady("it is shutting down")
        self.is_draining = True

    def check(self) -> None:
        """Check that requests should come here.

        Raises
        ------
        NotReady, SchemaOutdated
        CatalogUnavailable
            Its schema was never seen.
        """
        for reason in (self._refusal, self._unchecked):
            if reason is not None:
                # one error for all who ask: each of them would make its traceback longer
                raise reason.with_traceback(None)

    async def watch_schema(self, database: Database, every_s: float = SCHEMA_CHECK_S) -> None:
        """Look at the schema's revision again and again, in a thread that no request needs."""
        limiter = CapacityLimiter(1)
        while True:
            await sleep(every_s if self._unchecked is None else min(every_s, UNREADY_CHECK_S))
            try:
                await to_thread.run_sync(database.check_revision, limiter=limiter, abandon_on_cancel=True)
            except SchemaOutdated as error:
                logger.warning("not ready: %s", error)
                self._unchecked = error
            except CatalogUnavailable as error:
                logger.warning("the schema's revision cannot be checked now: %s", error)
            except Exception:
                logger.exception("the schema's revision cannot be checked")
            else:
                self._unchecked = None
