"""The use-case that joins catalogue and cells: build a terrain's pyramid and publish it. No web inside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.errors import CatalogUnavailable
from catalog.models import Terrain
from catalog.repository import pyramids, terrains, tiles
from catalog.repository.pyramids import NewGeneration
from raster.errors import RasterError
from raster.layout import Description
from raster.metrics.interface import Metric
from raster.objects import manifest_path, replace_file
from raster.pyramid import PyramidPlan, WrittenPyramid, plan_pyramid, write_pyramid
from service.errors import BuildSuperseded, StoreUnavailable
from service.generations import new_generation_id
from service.house import House
from service.terrain_grids import mosaic_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBuild:
    """A build before it starts: of which terrain in which revision, and what it will do."""

    terrain: Terrain
    plan: PyramidPlan

    @property
    def href(self) -> str:
        """Where the generation goes, below the store."""
        about = self.plan.about
        return f"{about.name}/{about.metric}/{about.generation}.zarr"


def plan_build(house: House, terrain_key: int | str, metric_name: str) -> PlannedBuild:
    """Plan the pyramid of the terrain as it is catalogued now; opens no source.

    Raises
    ------
    TerrainNotFound, MetricNotFound, TerrainEmpty
    """
    metric = house.metrics.get(metric_name)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        placed = tiles.list_tiles_in_precedence(session, terrain.id)
    mosaic = mosaic_of(terrain, placed, house.roots)
    return PlannedBuild(terrain=terrain, plan=plan_pyramid(mosaic, metric, _describe(terrain, metric)))


def _describe(terrain: Terrain, metric: Metric) -> Description:
    return Description(
        name=terrain.name,
        metric=metric.name,
        cell_methods=metric.cell_methods,
        is_stepwise=metric.is_stepwise,
        generation=new_generation_id(),
        title=terrain.title,
        unit=terrain.unit,
        vertical_datum=terrain.vertical_datum,
        attribution=terrain.attribution,
        license=terrain.license,
    )


def build_pyramid(house: House, terrain_key: int | str, metric_name: str, on_shard: Progress) -> str:
    """Build a new generation and publish it.

    Returns
    -------
    The generation's id

    Raises
    ------
    TerrainNotFound, MetricNotFound, TerrainEmpty
    SourceError
        A tile cannot be read; the failure is recorded with the pyramid.
    StoreUnavailable
        The folder of the pyramids cannot be written.
    BuildSuperseded
        A newer revision was published meanwhile; what was built is removed.
    """
    build = plan_build(house, terrain_key, metric_name)
    root = house.pyramid_root(build.href)
    try:
        with _storing(root):
            written = write_pyramid(build.plan, root, workers=house.settings.build_workers, on_shard=on_shard)
        _publish(house, build, written)
    except BaseException as error:
        if not _may_be_published(house, build):
            _remove(root)
        if isinstance(error, RasterError):
            _record_failure(house, build, error)
        raise
    with _storing(root):
        _point_latest_at(house, root, build)
    return build.plan.about.generation


@contextmanager
def _storing(root: Path) -> Iterator[None]:
    """Report a disk that is full, read-only or gone.

    Raises
    ------
    StoreUnavailable
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(str(error.filename or root), error.strerror or str(error)) from error


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


def _publish(house: House, build: PlannedBuild, written: WrittenPyramid) -> None:
    plan, terrain = build.plan, build.terrain
    value = plan.reduction.value
    generation = NewGeneration(
        id=plan.about.generation,
        terrain_id=terrain.id,
        metric=plan.about.metric,
        revision=terrain.revision,
        href=build.href,
        level_count=written.level_count,
        height=plan.grid.height,
        width=plan.grid.width,
        dtype=value.dtype.name,
        nodata=value.nodata,
        transform=list(plan.grid.transform[:6]),
        crs=plan.grid.crs,
        unit="1" if value.unit == "1" else terrain.unit,
        shard_count=len(plan.busy_shards),
        byte_count=written.byte_count,
        manifest_sha256=written.manifest_sha256,
    )
    with house.database.write() as session:
        if not pyramids.publish_generation(session, generation):
            raise BuildSuperseded(terrain.name, plan.about.metric)


def _record_failure(house: House, build: PlannedBuild, error: RasterError) -> None:
    failure = {"error": type(error).__name__, "detail": str(error)}
    with house.database.write() as session:
        pyramids.record_failure(
            session, build.terrain.id, build.plan.about.metric, build.terrain.revision, failure
        )


def _point_latest_at(house: House, root: Path, build: PlannedBuild) -> None:
    """Tell readers of the store alone which generation is current.

    Within a write session: of two builds that end together the one in use has the last word.
    """
    about = build.plan.about
    latest = {
        "generation": about.generation,
        "href": root.name,
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with house.database.write() as session:
        pyramid = pyramids.find_pyramid(session, build.terrain.id, about.metric)
        if pyramid is not None and pyramid.generation_id == about.generation:
            replace_file(root.with_name("latest.json"), json.dumps(latest).encode())


def _may_be_published(house: House, build: PlannedBuild) -> bool:
    """Whether the catalogue points at the build; when it cannot tell, nothing is taken from readers."""
    try:
        with house.database.read() as session:
            pyramid = pyramids.find_pyramid(session, build.terrain.id, build.plan.about.metric)
    except CatalogUnavailable:
        return True
    return pyramid is not None and pyramid.generation_id == build.plan.about.generation


def _remove(root: Path) -> None:
    """Remove what an unpublished build left; nobody was told of it."""
    shutil.rmtree(root, ignore_errors=True)
    with suppress(OSError):  # the store may be what failed
        manifest_path(root).unlink(missing_ok=True)
