"""The use-case before a build: what it would do, what it would cost, and what it can take over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from catalog.models import Generation, Terrain
from catalog.repository import pyramids, terrains, tiles
from catalog.repository.declared import count_declared
from raster.budget import Allotment, allot
from raster.journal import Attempt, find_attempts
from raster.layout import Description
from raster.metrics.interface import Metric
from raster.missing import MissingTile
from raster.pyramid import BuildPlan, PyramidPlan, plan_pyramids
from raster.scheduling import ClusterScheduler, Scheduler, ThreadScheduler
from raster.siblings import find_level_0
from raster.writing import Destination
from service.generations import new_generation_id
from service.house import House
from service.mosaics import mosaic_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBuild:
    """A build before it starts: of which terrain in which revision, what it will do, what it may take.

    Of the tiles `declared_count` are to be looked into first: the plan may change by that. The tiles
    that are `missing` are not in the plan.
    """

    terrain: Terrain
    plan: BuildPlan
    missing: Sequence[MissingTile]
    allotment: Allotment
    declared_count: int


def href_of(pyramid: PyramidPlan) -> str:
    """Where a generation goes, below the store."""
    about = pyramid.about
    return f"{about.name}/{about.metric}/{about.generation}.zarr"


def plan_build(
    house: House,
    terrain_key: int | str,
    metric_names: Sequence[str],
    generation_ids: Mapping[str, str] = MappingProxyType({}),
    missing: Sequence[MissingTile] = (),
) -> PlannedBuild:
    """Plan pyramids of the terrain as it is catalogued now; opens no source.

    Parameters
    ----------
    generation_ids : mapping
        By metric, where that is decided already.
    missing : sequence of MissingTile
        What to build without.

    Raises
    ------
    TerrainNotFound, MetricNotFound, TerrainEmpty, BudgetTooSmall
    """
    metrics = [house.metrics.get(name) for name in metric_names]
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        rows = tiles.iterate_tiles_in_precedence(session, terrain.id)
        without = {tile.source for tile in missing}
        if without:
            rows = (row for row in rows if row.url not in without)
        mosaic = mosaic_of(terrain, rows, house.roots)
        declared_count = count_declared(session, terrain.id)
    allotment = allot(
        mosaic.cell_type,
        [metric.bind(mosaic.cell_type, mosaic.grid.cell_count) for metric in metrics],
        cores=house.settings.build_workers,
        budget_bytes=house.settings.memory_budget,
    )
    wanted = [
        (metric, _describe(terrain, metric, generation_ids.get(metric.name) or new_generation_id(), missing))
        for metric in metrics
    ]
    plan = plan_pyramids(mosaic, wanted, shard_cells=allotment.shard_cells)
    return PlannedBuild(
        terrain=terrain, plan=plan, missing=missing, allotment=allotment, declared_count=declared_count
    )


def _describe(
    terrain: Terrain, metric: Metric, generation: str, missing: Sequence[MissingTile]
) -> Description:
    return Description(
        name=terrain.name,
        metric=metric.name,
        cell_methods=metric.cell_methods,
        is_stepwise=metric.is_stepwise,
        generation=generation,
        title=terrain.title,
        unit=terrain.unit,
        vertical_datum=terrain.vertical_datum,
        attribution=terrain.attribution,
        license=terrain.license,
        missing=tuple(missing),
    )


def choose_scheduler(house: House, build: PlannedBuild) -> Scheduler:
    """Where the tasks run: the cluster the settings name, else threads."""
    address = house.settings.dask_scheduler
    return ClusterScheduler(address) if address else ThreadScheduler(build.allotment.workers)


def destinations_of(house: House, build: PlannedBuild) -> list[Destination]:
    """Where each pyramid goes, and what it may take over: attempts that were killed, a sibling's level 0."""
    siblings = _siblings(house, build)
    return [
        Destination(
            root=house.pyramid_root(href_of(pyramid)),
            earlier=find_attempts(house.pyramid_folder(href_of(pyramid)), build.plan.key(pyramid)),
            level_0=_level_0(house, pyramid, siblings),
        )
        for pyramid in build.plan.pyramids
    ]


def _level_0(house: House, pyramid: PyramidPlan, siblings: Sequence[Generation]) -> Attempt | None:
    found = (find_level_0(pyramid, house.pyramid_root(each.href), each.manifest_sha256) for each in siblings)
    return next((attempt for attempt in found if attempt is not None), None)


def _siblings(house: House, build: PlannedBuild) -> list[Generation]:
    """Published pyramids of the same revision that hold the terrain itself at level 0, and all of it.

    None for a build that misses tiles: it may hold less than they do.
    """
    if build.missing:
        return []
    with house.database.read() as session:
        known = pyramids.list_pyramids(session, build.terrain.id)
    base, cells = build.plan.mosaic.cell_type, build.plan.grid.cell_count
    return [
        pyramid.generation
        for pyramid in known
        if pyramid.generation is not None
        and not pyramid.corrupt
        and pyramid.generation.revision == build.terrain.revision
        and not pyramid.generation.missing_tile_count
        and pyramid.metric in house.metrics.names
        and house.metrics.get(pyramid.metric).bind(base, cells).keeps_cells
    ]
