"""What an installation is made of, wired once from its settings for the service and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.database import Database, open_database
from raster.metrics.plugins import load_metrics
from raster.metrics.registry import Metrics, built_in_metrics
from raster.sources.roots import TileRoots
from service.settings import Settings
from service.spool import Spool
from service.tally import Tally

SPARE_CONNECTIONS = 1
"""Beside those of request threads and builds, each of which holds one at most."""


@dataclass(frozen=True, slots=True)
class House:
    """Settings, catalogue, tile roots, metrics, store and tally of one installation."""

    settings: Settings
    database: Database
    roots: TileRoots
    metrics: Metrics
    tally: Tally

    @property
    def store(self) -> Path:
        """The folder of all pyramids, absolute."""
        return self.settings.store_url.absolute()

    @property
    def spool(self) -> Spool:
        """Where tables wait to be registered."""
        return Spool(self.settings.spool.absolute())

    def pyramid_root(self, href: str) -> Path:
        """Where the generation with this `href` lies."""
        return self.store / href


def open_house(settings: Settings) -> House:
    """Wire an installation. Opens no connection; `Database.dispose` closes what later opens.

    Raises
    ------
    MetricRefused
        A plug-in's metric cannot be used.
    """
    return House(
        settings=settings,
        database=open_database(
            settings.database_url,
            connections=settings.request_threads + settings.parallel_builds + SPARE_CONNECTIONS,
        ),
        roots=TileRoots(tuple(folder.absolute() for folder in settings.tile_root)),
        metrics=Metrics(load_metrics(built_in_metrics(), settings.metrics)),
        tally=Tally(),
    )
