"""The use-case that joins catalogue and cells: build a terrain's pyramids and publish them. No web inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from catalog.errors import CatalogUnavailable, TerrainNotFound
from catalog.models import Terrain
from catalog.repository import pyramids, terrains
from catalog.repository.pyramids import NewGeneration
from raster.errors import StoreFailed
from raster.journal import find_abandoned
from raster.pyramid import PyramidPlan
from raster.storage.store import Root, Store
from raster.writing import WrittenPyramid, write_pyramids
from service.build_plans import PlannedBuild, choose_scheduler, destinations_of, href_of, plan_build
from service.declared_tiles import check_declared
from service.errors import BuildCancelled, BuildSuperseded
from service.exhaustion import reporting_exhaustion
from service.failures import NO_FAILURES, Failure, failure_of
from service.house import House
from service.storing import reporting_store
from service.tally import SOURCES

Progress = Callable[[int, int], None]

ABANDONED_AFTER_S = 3600.0
"""A killed attempt is kept for the next one for so long, then swept by whichever build ends."""


def build_pyramid(house: House, terrain_key: int | str, metric_name: str, on_shard: Progress) -> str:
    """Build one pyramid as `build_pyramids` does; the generation's id."""
    return build_pyramids(house, terrain_key, [metric_name], on_shard)[metric_name]


def build_pyramids(
    house: House, terrain_key: int | str, metric_names: Sequence[str], on_shard: Progress
) -> dict[str, str]:
    """Build new generations under some metrics, in one pass over the tiles, and publish them.

    A build that is stopped, by `BuildCancelled`, Ctrl-C or a kill, leaves its finished shards to
    the next attempt; one that fails leaves nothing but its failure, recorded with the pyramids.

    Returns
    -------
    The generation's id of each metric

    Raises
    ------
    TerrainNotFound, MetricNotFound, TerrainEmpty, BudgetTooSmall, ClusterUnavailable
    SourceError
        A tile cannot be read, or is not what was declared.
    MetricFailed
    StoreUnavailable
        The store of the pyramids cannot be written.
    ResourcesExhausted
        The machine has no memory or threads left.
    BuildSuperseded
        A newer revision was published meanwhile; what was built is removed.
    """
    for name in metric_names:
        house.metrics.get(name)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
    with _recording_failures(house, terrain, metric_names):
        build = _plan(house, terrain.id, metric_names, on_shard)
    with _recording_failures(house, build.terrain, metric_names):
        _carry_out(house, build, on_shard)
    return {pyramid.about.metric: pyramid.about.generation for pyramid in build.plan.pyramids}


def _carry_out(house: House, build: PlannedBuild, on_shard: Progress) -> None:
    house.tally.add(SOURCES, "build", len(build.plan.mosaic.tiles))
    try:
        written = _write(house, build, on_shard)
        for pyramid, each in zip(build.plan.pyramids, written, strict=True):
            _publish(house, build, pyramid, each)
    except (BuildCancelled, KeyboardInterrupt):
        raise
    except BaseException:
        _clean_up(house, build)
        raise


@contextmanager
def _recording_failures(house: House, terrain: Terrain, metric_names: Sequence[str]) -> Iterator[None]:
    """Let everybody know why a build of this revision ends, whatever ends it.

    Raises
    ------
    ResourcesExhausted
    """
    try:
        with reporting_exhaustion():
            yield
    except (*NO_FAILURES, KeyboardInterrupt):
        raise
    except BaseException as error:
        # a catalogue that cannot be written must not hide what was wrong before
        with suppress(CatalogUnavailable):
            _record_failure(house, terrain, metric_names, failure_of(error))
        raise


def _record_failure(house: House, terrain: Terrain, metric_names: Sequence[str], failure: Failure) -> None:
    with house.database.write() as session:
        for name in metric_names:
            pyramids.record_failure(session, terrain.id, name, terrain.revision, failure.as_record())


def _plan(house: House, terrain_id: int, metric_names: Sequence[str], on_shard: Progress) -> PlannedBuild:
    """Plan from tiles that somebody has looked into.

    Raises
    ------
    SourceMisdeclared
    """
    while (build := plan_build(house, terrain_id, metric_names)).declared_count:
        check_declared(house, terrain_id, lambda *_: on_shard(0, 0))
    return build


def _write(house: House, build: PlannedBuild, on_shard: Progress) -> list[WrittenPyramid]:
    with reporting_store():
        return write_pyramids(
            build.plan,
            destinations_of(house, build),
            choose_scheduler(house, build),
            on_shard,
            unit_bytes=build.allotment.unit_bytes,
        )


def find_fresh(house: House, terrain_key: int | str, metric_name: str) -> str | None:
    """The published generation if it is of the terrain's present revision and not known to be damaged.

    Raises
    ------
    TerrainNotFound
    """
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        pyramid = pyramids.find_pyramid(session, terrain.id, metric_name)
    if pyramid is None or pyramid.corrupt or pyramid.generation is None:
        return None
    return pyramid.generation.id if pyramid.generation.revision == terrain.revision else None


def _publish(house: House, build: PlannedBuild, pyramid: PyramidPlan, written: WrittenPyramid) -> None:
    """Point the catalogue, then `latest.json` at a generation; nobody needs its journal any more."""
    generation = _generation(build, pyramid, written)
    with house.database.write() as session:
        if not pyramids.publish_generation(session, generation):
            raise BuildSuperseded(build.terrain.name, pyramid.about.metric)
    root, folder = house.pyramid_root(generation.href), house.pyramid_folder(generation.href)
    with reporting_store():
        _point_latest_at(house, folder, root, generation)
        root.forget_log()
        _sweep(house, folder)


def _generation(build: PlannedBuild, pyramid: PyramidPlan, written: WrittenPyramid) -> NewGeneration:
    terrain, value, grid = build.terrain, pyramid.reduction.value, pyramid.grid
    return NewGeneration(
        id=pyramid.about.generation,
        terrain_id=terrain.id,
        metric=pyramid.about.metric,
        revision=terrain.revision,
        href=href_of(pyramid),
        level_count=written.level_count,
        height=grid.height,
        width=grid.width,
        dtype=value.dtype.name,
        nodata=value.nodata,
        transform=list(grid.transform[:6]),
        crs=grid.crs,
        unit="1" if value.unit == "1" else terrain.unit,
        shard_count=build.plan.task_count,
        byte_count=written.byte_count,
        manifest_sha256=written.manifest_sha256,
    )


def _point_latest_at(house: House, folder: Store, root: Root, generation: NewGeneration) -> None:
    """Tell readers of the store alone which generation is current.

    While the terrain is locked: of two builds that end together the one in use has the last word.
    """
    latest = {
        "generation": generation.id,
        "href": root.name,
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with suppress(TerrainNotFound), house.database.write() as session:
        terrains.lock_terrain(session, generation.terrain_id)
        pyramid = pyramids.find_pyramid(session, generation.terrain_id, generation.metric)
        if pyramid is not None and pyramid.generation_id == generation.id:
            folder.replace_file("latest.json", json.dumps(latest).encode())


def _clean_up(house: House, build: PlannedBuild) -> None:
    """Remove what is not published; nobody was told of it."""
    for pyramid in build.plan.pyramids:
        if not _may_be_published(house, build, pyramid):
            _remove(house.pyramid_root(href_of(pyramid)))


def _may_be_published(house: House, build: PlannedBuild, pyramid: PyramidPlan) -> bool:
    """Whether the catalogue points at the build; when it cannot tell, nothing is taken from readers."""
    try:
        with house.database.read() as session:
            found = pyramids.find_pyramid(session, build.terrain.id, pyramid.about.metric)
    except CatalogUnavailable:
        return True
    return found is not None and found.generation_id == pyramid.about.generation


def _sweep(house: House, folder: Store) -> None:
    """Remove attempts whose writers are long gone: the build that just ended took over what it could.

    One that was killed right after it was published has left its journal, no more.
    """
    for root in find_abandoned(folder, older_than_s=ABANDONED_AFTER_S):
        with house.database.read() as session:
            is_published = pyramids.is_generation_known(session, root.generation)
        if is_published:
            root.forget_log()
        else:
            _remove(root)


def _remove(root: Root) -> None:
    with suppress(StoreFailed):  # the store may be what failed
        root.remove()
