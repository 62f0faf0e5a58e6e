"""The use-case that joins catalogue and cells: build a terrain's pyramids and publish them. No web inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from catalog.errors import CatalogUnavailable
from catalog.repository import pyramids
from catalog.repository.lease_views import list_live_leases
from raster.errors import StoreFailed
from raster.journal import find_abandoned
from raster.missing import MAY_BE_MISSING, MissingTile
from raster.pyramid import PyramidPlan
from raster.storage.store import Root, Store
from raster.writing import WrittenPyramid, write_pyramids
from service.build_plans import PlannedBuild, choose_scheduler, destinations_of, href_of, plan_build
from service.build_turns import Turn, check_attempts, fail_turn, leave_turn, take_turn
from service.declared_tiles import check_declared
from service.errors import BuildCancelled, BuildSuperseded
from service.exhaustion import reporting_exhaustion
from service.failures import NO_FAILURES, failure_of
from service.freshness import list_needed
from service.heartbeat import Heartbeat
from service.house import House
from service.missing_tiles import check_all, check_foreign, find_missing
from service.on_missing import OnMissing
from service.publishing import generation_of, missing_of, publish
from service.storing import reporting_store
from service.tally import SOURCES

Progress = Callable[[int, int], None]

ABANDONED_AFTER_S = 3600.0
"""A killed attempt is kept for the next one for so long, then swept by whichever build ends."""


def build_pyramid(
    house: House,
    terrain_key: int | str,
    metric_name: str,
    on_shard: Progress,
    *,
    on_missing: OnMissing = OnMissing.FAIL,
    again: bool = False,
    insists: bool = False,
) -> str | None:
    """Build one pyramid as `build_pyramids` does; the generation's id, None when it is not our turn."""
    built = build_pyramids(
        house, terrain_key, [metric_name], on_shard, on_missing=on_missing, again=again, insists=insists
    )
    return built.get(metric_name)


def build_pyramids(
    house: House,
    terrain_key: int | str,
    metric_names: Sequence[str],
    on_shard: Progress,
    *,
    on_missing: OnMissing = OnMissing.FAIL,
    again: bool = False,
    insists: bool = False,
) -> dict[str, str]:
    """Build new generations under some metrics, in one pass over the tiles, and publish them.

    Those only which no other process is at. A build that is stopped, by `BuildCancelled`, Ctrl-C or
    a kill, leaves its finished shards to the next attempt; one that fails leaves nothing but its
    failure, recorded with the pyramids.

    Parameters
    ----------
    on_shard : callable
        Called with tasks done and in all; may raise `BuildCancelled`.
    on_missing : OnMissing
        What to do about tiles that cannot be had before the build begins. One that fails later fails
        the build in any case.
    again : bool
        Whether to build also what is up to date.
    insists : bool
        Whether to try again what has failed a short time ago.

    Returns
    -------
    The generation's id of each metric that was built; the others are another process's, or up to date

    Raises
    ------
    TerrainNotFound, MetricNotFound, TerrainEmpty, BudgetTooSmall, ClusterUnavailable
    SourceError
        A tile cannot be read, or is not what was declared.
    SourcesUnavailable
        Several cannot be had.
    MetricFailed
    StoreUnavailable
        The store of the pyramids cannot be written.
    ResourcesExhausted
        The machine has no memory or threads left.
    BuildSuperseded
        A newer revision was published meanwhile, or one that misses no tiles is in use; what was built
        is removed.
    LeaseLost
        Another process took the build over, since this one gave no sign of life for too long.
    BuildCalledOff
    BuildAbandoned
    BuildFailedBefore
        All of them failed a short time ago.
    """
    for name in metric_names:
        house.metrics.get(name)
    built: dict[str, str] | None = None
    while built is None:
        turn = take_turn(house, terrain_key, metric_names, on_missing, again=again, insists=insists)
        built = _build_in_turn(house, turn, on_shard)
    return built


def _build_in_turn(house: House, turn: Turn, on_shard: Progress) -> dict[str, str] | None:
    """Build what this process has the leases of; None when the terrain changed before that."""
    with ExitStack() as stack:
        for metric in turn.leases:
            stack.enter_context(house.tally.build(metric))
        stack.enter_context(_leaving(house, turn))
        check_attempts(turn)
        built = _build(house, turn, on_shard) if turn.leases else {}
        if built is None or len(built) < len(turn.leases):
            leave_turn(house, turn, is_wanted=False)
        return built


def _build(house: House, turn: Turn, on_shard: Progress) -> dict[str, str] | None:
    with Heartbeat(house.database, list(turn.leases.values()), house.settings.lease_s) as heartbeat:

        def report(done: int, total: int) -> None:
            heartbeat.report(done, total)
            on_shard(done, total)

        build = _plan(house, turn, report)
        if build.terrain.revision != turn.terrain.revision:
            return None
        if turn.on_missing is OnMissing.FAIL:
            check_foreign(house, build.plan.mosaic.tiles, lambda: report(0, 0))
        house.tally.add(SOURCES, "build", len(build.plan.mosaic.tiles))
        try:
            written = _write(house, build, report)
            return _publish_all(house, turn, build, written, heartbeat)
        except (BuildCancelled, KeyboardInterrupt):
            raise
        except BaseException:
            _clean_up(house, build)
            raise


def _publish_all(
    house: House, turn: Turn, build: PlannedBuild, written: Sequence[WrittenPyramid], heartbeat: Heartbeat
) -> dict[str, str]:
    """Put into use what is still needed, and remove the rest; the generations in use, by metric.

    Raises
    ------
    BuildSuperseded
        Nothing is needed any more.
    LeaseLost, BuildCalledOff, StoreUnavailable
    """
    built, superseded = {}, None
    for pyramid, each in zip(build.plan.pyramids, written, strict=True):
        generation = generation_of(build, pyramid, each)
        with reporting_store():
            try:
                lease = turn.leases[generation.metric]
                publish(house, generation, lease, heartbeat, missing_of(build))
            except BuildSuperseded as error:
                superseded = error
                _remove(house.pyramid_root(generation.href))
            else:
                built[generation.metric] = generation.id
            _sweep(house, house.pyramid_folder(generation.href))
    if superseded is not None and not built:
        raise superseded
    return built


@contextmanager
def _leaving(house: House, turn: Turn) -> Iterator[None]:
    """Leave the turn to others, and let everybody know why the builds end, whatever ends them.

    Raises
    ------
    ResourcesExhausted
    """
    try:
        with reporting_exhaustion():
            yield
    except BaseException as error:
        if isinstance(error, (*NO_FAILURES, KeyboardInterrupt)):
            leave_turn(house, turn, is_wanted=isinstance(error, BuildCancelled))
        else:
            fail_turn(house, turn, failure_of(error))
        raise


def _plan(house: House, turn: Turn, on_shard: Progress) -> PlannedBuild:
    """Plan from tiles that somebody has looked into, without those that are missing, if these may be.

    Raises
    ------
    SourceError, SourcesUnavailable, BuildSuperseded
    """
    generation_ids = {metric: lease.generation_id for metric, lease in turn.leases.items()}

    def plan(missing: Sequence[MissingTile] = ()) -> PlannedBuild:
        needed = list_needed(house, turn.terrain, generation_ids) if missing else list(generation_ids)
        return plan_build(house, turn.terrain.id, needed, generation_ids, missing)

    build = plan()
    if turn.on_missing is OnMissing.MASK:
        missing = find_missing(house, build.plan.mosaic.tiles, lambda: on_shard(0, 0))
        build = plan(missing) if missing else build
    without, left_out = {tile.source for tile in build.missing}, 0
    while build.declared_count > left_out:
        left_out = check_declared(house, turn.terrain.id, lambda *_: on_shard(0, 0), without)
        build = plan(build.missing)
    return build


def _write(house: House, build: PlannedBuild, on_shard: Progress) -> list[WrittenPyramid]:
    """Write the pyramids, and tell of all tiles that are gone when one is."""
    try:
        with reporting_store():
            return write_pyramids(
                build.plan,
                destinations_of(house, build),
                choose_scheduler(house, build),
                on_shard,
                unit_bytes=build.allotment.unit_bytes,
            )
    except MAY_BE_MISSING:
        check_all(house, build.plan.mosaic.tiles, lambda: on_shard(0, 0))
        raise


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
            # in a bucket nothing else shows that its writer lives
            is_leased = root.generation in {each.generation_id for each in list_live_leases(session)}
        if is_published:
            root.forget_log()
        elif not is_leased:
            _remove(root)


def _remove(root: Root) -> None:
    with suppress(StoreFailed):  # the store may be what failed
        root.remove()
