"""What `ziggurat build` and `ziggurat verify` do, and how they tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from service.bodies import pyramid_body
from service.build_plans import PlannedBuild, plan_build
from service.complete_builds import complete_builds
from service.console import print_json, progress_bar, tell, tell_missing
from service.freshness import find_fresh
from service.house import House
from service.on_missing import OnMissing
from service.pyramid_states import get_state
from service.verification import Thoroughness, Verdict, verify_pyramids


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a build would do and take. `cell_bytes`: cells of all levels before compression."""

    terrain: str
    metrics: list[str]
    tile_count: int
    height: int
    width: int
    level_count: int
    cell_bytes: int
    shard_cells: int
    shard_count: int
    task_count: int
    workers: int
    memory_bytes: int


def build_and_tell(
    house: House,
    terrain: str,
    metrics: Sequence[str],
    on_missing: OnMissing,
    *,
    again: bool,
    as_json: bool,
) -> None:
    """Build what is not up to date, and tell how all of it stands."""
    is_whole = on_missing is OnMissing.FAIL
    lacking = [
        metric for metric in metrics if again or find_fresh(house, terrain, metric, is_whole=is_whole) is None
    ]
    if lacking:
        with progress_bar(f"{terrain} {','.join(lacking)}", quiet=as_json) as advance:
            complete_builds(house, terrain, lacking, advance, on_missing=on_missing, again=again)
    states = [pyramid_body(house, get_state(house, None, terrain, metric)) for metric in metrics]
    if as_json:
        print_json({"pyramids": states})
        return
    for state in states:
        did = "is built" if state.metric in lacking else "is up to date"
        size = f"{state.level_count} levels, {state.byte_count} bytes"
        tell(f"{terrain} {state.metric} {did}: {size} in {state.store_url}")
        tell_missing(state)


def tell_estimate(house: House, terrain: str, metrics: Sequence[str], *, as_json: bool) -> None:
    """Tell what a build would do; nothing is built, no source is opened."""
    estimate = estimate_of(plan_build(house, terrain, metrics))
    if as_json:
        print_json(asdict(estimate))
        return
    tell(f"{estimate.terrain} {','.join(estimate.metrics)}: nothing is built yet")
    tell(f"  {estimate.height} x {estimate.width} cells in {estimate.tile_count} tiles")
    tell(f"  {estimate.level_count} levels, {estimate.cell_bytes} bytes before compression")
    shards = f"{estimate.shard_count} shards of {estimate.shard_cells} cells a side"
    tell(f"  {shards}, {estimate.task_count} with tiles: a task each")
    tell(f"  {estimate.workers} workers, about {estimate.memory_bytes / 2**20:.0f} MiB of memory")


def estimate_of(build: PlannedBuild) -> Estimate:
    """Sums over a plan."""
    plan, allotment = build.plan, build.allotment
    levels = range(plan.grid.level_count)
    return Estimate(
        terrain=build.terrain.name,
        metrics=[pyramid.metric.name for pyramid in plan.pyramids],
        tile_count=len(plan.mosaic.tiles),
        height=plan.grid.height,
        width=plan.grid.width,
        level_count=plan.grid.level_count,
        cell_bytes=sum(
            plan.grid.level(level).cell_count * array.dtype.itemsize
            for pyramid in plan.pyramids
            for level in levels
            for array in pyramid.arrays(level)
        ),
        shard_cells=allotment.shard_cells,
        shard_count=sum(rows * cols for rows, cols in map(plan.tree.shape, levels)),
        task_count=plan.task_count,
        workers=allotment.workers,
        memory_bytes=allotment.memory_bytes,
    )


def verify_and_tell(
    house: House, terrain: str, metrics: Sequence[str], thoroughness: Thoroughness, *, as_json: bool
) -> bool:
    """Verify pyramids and tell what was covered and what was found; whether all is well."""
    with progress_bar(f"Reading {terrain}", quiet=as_json) as advance:
        verdicts = verify_pyramids(house, terrain, metrics, thoroughness, advance)
    if as_json:
        print_json({"pyramids": [asdict(verdict) for verdict in verdicts]})
    else:
        for verdict in verdicts:
            _tell_verdict(terrain, verdict)
    return not any(verdict.flaws for verdict in verdicts)


def _tell_verdict(terrain: str, verdict: Verdict) -> None:
    tell(f"{terrain} {verdict.metric} ({verdict.generation}): {verdict.object_count} objects are whole")
    if verdict.is_stale:
        tell("  the terrain has changed since: no cell was computed anew")
    for level in verdict.coverage:
        how = f"{level.from_sources} windows from the sources, {level.from_below} from the level below"
        tell(f"  level {level.level}: {level.cell_count} cells computed anew, {how}")
    for flaw in verdict.flaws:
        tell(f"  WRONG {flaw.where}: {flaw.what}")
    if verdict.flaws:
        tell("  the pyramid is marked as corrupt; the next build or request makes it anew")
