"""The use-case behind `ziggurat verify`: are the stored pyramids of a terrain whole, and are they right?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from catalog.models import Generation, Terrain
from catalog.repository import pyramids, terrains
from catalog.repository.missing_tiles import list_missing
from raster.errors import PyramidCorrupt
from raster.missing import MissingTile
from raster.verification import Flaw, LevelCoverage, Recomputation, find_damage
from raster.window import StoredPyramid
from service.build_plans import plan_build
from service.corruption import mark_corrupt
from service.errors import PyramidNotBuilt
from service.house import House
from service.storing import reporting_store
from service.terrain_grids import grid_of, missing_window

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was looked at of one pyramid, and what is wrong with it.

    `coverage` is empty where the terrain has changed since: its cells cannot be computed anew.
    """

    metric: str
    generation: str
    is_stale: bool
    object_count: int
    byte_count: int
    coverage: list[LevelCoverage]
    flaws: list[Flaw]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thoroughness:
    """How much is computed anew: windows of each level, native cells under one window, seed of chance."""

    windows: int
    cell_budget: int
    seed: int


def verify_pyramids(
    house: House,
    terrain_key: int | str,
    metrics: Sequence[str],
    thoroughness: Thoroughness,
    on_bytes: Progress,
) -> list[Verdict]:
    """Verify published pyramids; of all metrics when none is named. What is damaged is marked so.

    Raises
    ------
    TerrainNotFound, MetricNotFound
    PyramidNotBuilt
        A metric that is named has no pyramid, or none is named and there is none.
    SourceError
        A tile is gone, changed or unreadable, so that its cells cannot be computed anew.
    StoreUnavailable
        The store cannot be read now, which says nothing about the pyramids.
    """
    for metric in metrics:
        house.metrics.get(metric)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
        known = {each.metric: each.generation for each in pyramids.list_pyramids(session, terrain.id)}
    built = {metric: generation for metric, generation in known.items() if generation is not None}
    wanted = metrics or [metric for metric in built if metric in house.metrics.names]
    if not wanted or not built.keys() >= set(wanted):
        raise PyramidNotBuilt(terrain.name, ", ".join(sorted(set(wanted) - built.keys())) or "any metric")
    with reporting_store():
        return [_verify(house, terrain, built[metric], thoroughness, on_bytes) for metric in wanted]


def _verify(
    house: House,
    terrain: Terrain,
    generation: Generation,
    thoroughness: Thoroughness,
    on_bytes: Progress,
) -> Verdict:
    verdict = Verdict(
        metric=generation.metric,
        generation=generation.id,
        is_stale=generation.revision != terrain.revision,
        object_count=0,
        byte_count=generation.byte_count,
        coverage=[],
        flaws=[],
    )
    verdict = replace(verdict, object_count=_look_at_objects(house, generation, verdict.flaws, on_bytes))
    if not verdict.flaws and not verdict.is_stale:
        _recompute(house, generation, thoroughness, verdict)
    if verdict.flaws:
        mark_corrupt(house, generation)
    return verdict


def _look_at_objects(house: House, generation: Generation, flaws: list[Flaw], on_bytes: Progress) -> int:
    """Number of whole objects; whatever is wrong goes to `flaws`."""
    root = house.pyramid_root(generation.href)
    object_count = byte_count = 0
    try:
        for found in find_damage(root, generation.manifest_sha256):
            if isinstance(found, Flaw):
                flaws.append(found)
                continue
            object_count, byte_count = object_count + 1, byte_count + found.size
            on_bytes(byte_count, generation.byte_count)
    except PyramidCorrupt as error:
        flaws.append(Flaw(error.key, error.reason))
    return object_count


def _recompute(house: House, generation: Generation, thoroughness: Thoroughness, verdict: Verdict) -> None:
    missing = _missing_of(house, generation)
    build = plan_build(house, generation.terrain_id, [generation.metric], missing=missing)
    grid = grid_of(generation)
    recomputation = Recomputation(
        build.plan,
        build.plan.pyramids[0],
        StoredPyramid(house.pyramid_root(generation.href), grid, generation.manifest_sha256),
        thoroughness.cell_budget,
    )
    random = Random(thoroughness.seed)  # noqa: S311 - a sample, no secret
    for level in range(grid.level_count):
        for found in recomputation.find_errors(level, thoroughness.windows, random):
            if isinstance(found, Flaw):
                verdict.flaws.append(found)
            else:
                verdict.coverage.append(found)


def _missing_of(house: House, generation: Generation) -> list[MissingTile]:
    """What the generation was built without: its cells are not those of a pyramid that has all tiles."""
    with house.database.read() as session:
        rows = list_missing(session, [generation.id])[generation.id]
    return [
        MissingTile(source=row.source, window=missing_window(row), kind=row.kind, reason=row.reason)
        for row in rows
    ]
