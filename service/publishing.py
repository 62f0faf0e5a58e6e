"""The last step of a build: what was written is put into use, by whoever still holds the lease."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from random import SystemRandom
from time import sleep

from catalog.errors import CatalogUnavailable, TerrainNotFound
from catalog.repository import pyramids, terrains
from catalog.repository.leases import Lease
from catalog.repository.missing_tiles import NewMissingTile
from catalog.repository.pyramids import NewGeneration
from raster.pyramid import PyramidPlan
from raster.storage.store import LATEST, Root, Store
from raster.writing import WrittenPyramid
from service.build_plans import PlannedBuild, href_of
from service.errors import BuildSuperseded
from service.heartbeat import Heartbeat
from service.house import House

logger = logging.getLogger(__name__)

PUBLISH_AGAIN_S = (0.2, 1.0)
"""Between two attempts to publish while the catalogue is away."""


def publish(
    house: House,
    generation: NewGeneration,
    lease: Lease,
    heartbeat: Heartbeat,
    missing: Sequence[NewMissingTile] = (),
) -> None:
    """Point the catalogue, then `latest.json` at a generation; nobody needs its journal any more.

    Raises
    ------
    BuildSuperseded, LeaseLost, BuildCalledOff
    StoreFailed
    """
    heartbeat.confirm()  # what was called off a moment ago is not put into use
    _put_into_use(house, generation, lease, heartbeat, missing)
    root = house.pyramid_root(generation.href)
    _point_latest_at(house, house.pyramid_folder(generation.href), root, generation)
    root.forget_log()


def _put_into_use(
    house: House,
    generation: NewGeneration,
    lease: Lease,
    heartbeat: Heartbeat,
    missing: Sequence[NewMissingTile],
) -> None:
    """Publish, for as long as it takes and the lease is ours: the work of hours is not given up for a fault.

    Raises
    ------
    BuildSuperseded, LeaseLost, BuildCalledOff
    """
    while True:
        try:
            with heartbeat.ending(lease), house.database.write() as session:
                if not pyramids.publish_generation(session, generation, lease, missing):
                    raise BuildSuperseded(generation.href.partition("/")[0], generation.metric)
        except CatalogUnavailable as error:
            logger.warning("%s cannot be published yet: %s", generation.href, error)
            sleep(SystemRandom().uniform(*PUBLISH_AGAIN_S))
            heartbeat.check()
        else:
            return


def generation_of(build: PlannedBuild, pyramid: PyramidPlan, written: WrittenPyramid) -> NewGeneration:
    """What the catalogue is told of a pyramid that was written."""
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
        tile_count=len(build.plan.mosaic.tiles),
        missing_tile_count=len(build.missing),
    )


def missing_of(build: PlannedBuild) -> list[NewMissingTile]:
    """What the catalogue is told of the tiles that were missing."""
    return [
        NewMissingTile(
            source=tile.source,
            row=tile.window.row,
            col=tile.window.col,
            height=tile.window.height,
            width=tile.window.width,
            kind=tile.kind,
            reason=tile.reason,
        )
        for tile in build.missing
    ]


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
            folder.replace_file(LATEST, json.dumps(latest).encode())
