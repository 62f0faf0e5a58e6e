"""What an installation is made of, wired once from its settings for the service and the command line."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from catalog.backends import Limits
from catalog.database import Database, open_database
from catalog.errors import CatalogError, CatalogUnavailable, SchemaOutdated
from raster.metrics.plugins import load_metrics
from raster.metrics.registry import Metrics, built_in_metrics
from raster.sources.remote.remote import RemoteSources
from raster.sources.roots import TileRoots
from raster.storage.opening import open_store
from raster.storage.store import Root, Store
from service.settings import Settings
from service.spool import Spool
from service.tally import Tally

logger = logging.getLogger(__name__)

CONNECTIONS_A_BUILD = 2
"""Its own, and its heartbeat's."""

SPARE_CONNECTIONS = 2
"""Beside those of request threads and builds: for looking at the schema, and at builds elsewhere."""


@dataclass(frozen=True, slots=True)
class House:
    """Settings, catalogue, tile roots, metrics, store and tally of one installation."""

    settings: Settings
    database: Database
    roots: TileRoots
    metrics: Metrics
    store: Store
    tally: Tally

    @property
    def spool(self) -> Spool:
        """Where tables wait to be registered."""
        return Spool(self.settings.spool.absolute())

    def pyramid_root(self, href: str) -> Root:
        """Where the generation with this `href` lies."""
        return self.store.root(href)

    def pyramid_folder(self, href: str) -> Store:
        """All generations of the pyramid that the one with this `href` is of."""
        return self.store.below(href.rpartition("/")[0])

    def close(self) -> None:
        """Close connections to the catalogue, the store and the servers of sources."""
        self.database.dispose()
        self.store.close()
        if self.roots.remote is not None:
            self.roots.remote.close()


def prepare_to_serve(database: Database) -> CatalogError | None:
    """Prepare the catalogue; None when that is done, else why the service starts without being ready.

    A catalogue may be brought up to date, and one that others share may come back, while the
    service waits.

    Raises
    ------
    CatalogUnavailable
        The installation's own file cannot be used.
    """
    try:
        database.prepare()
    except (SchemaOutdated, CatalogUnavailable) as reason:
        if isinstance(reason, CatalogUnavailable) and not database.is_shared:
            raise
        logger.warning("not ready: %s", reason)
        return reason
    return None


def open_house(settings: Settings, *, keeps_connections: bool = True) -> House:
    """Wire an installation. Opens no connection; `House.close` closes what later opens.

    Parameters
    ----------
    keeps_connections : bool
        Else each session has a connection of its own, and nothing is left to be closed.

    Raises
    ------
    MetricRefused
        A plug-in's metric cannot be used.
    """
    limits = Limits(
        connections=settings.request_threads
        + max(1, settings.builds_per_replica) * CONNECTIONS_A_BUILD
        + SPARE_CONNECTIONS,
        keeps_connections=keeps_connections,
    )
    return House(
        settings=settings,
        database=open_database(settings.database_url, limits),
        roots=TileRoots(
            tuple(folder.absolute() for folder in settings.tile_root),
            RemoteSources(settings.sources.policy()),
        ),
        metrics=Metrics(load_metrics(built_in_metrics(), settings.metrics)),
        store=open_store(settings.store_url),
        tally=Tally(),
    )
