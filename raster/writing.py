"""A planned build carried out: pyramids appear whole, each at a place of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

from raster.decoding import DecodedTiles
from raster.journal import Attempt, Journal, take_over
from raster.mosaic import MosaicCells
from raster.pyramid import BuildPlan, PyramidPlan
from raster.quadtree import ShardTasks, StoredObjects, Target
from raster.scheduling import Scheduler
from raster.shards import Shard
from raster.skeleton import METADATA, Skeleton
from raster.storage.manifest import Manifest, StoredObject
from raster.storage.store import Root
from raster.tiles import PlacedTile

UNIT_BYTES = 2**26
"""Decoded cells that wait for a second shard: 64 MiB unless the caller knows better."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a pyramid goes, and whose whole shards it may take over.

    `root` is a place that is not taken yet; the manifest goes beside it. `earlier`:
    attempts at the same build. `level_0`: that of a pyramid which stores the same there.
    """

    root: Root
    earlier: Sequence[Attempt] = ()
    level_0: Attempt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPyramid:
    """What was written: sizes for the catalogue, and the hash that pins every byte of it."""

    level_count: int
    object_count: int
    byte_count: int
    manifest_sha256: str
    shards_taken_over: int


@dataclass(frozen=True, slots=True)
class _Writing:
    """One pyramid while it is written."""

    plan: PyramidPlan
    target: Target
    skeleton: Future[Skeleton]
    journal: Journal

    def finish(self, made: StoredObjects) -> WrittenPyramid:
        """Put the metadata, the root's last, and seal."""
        folder, done, skeleton = self.target.folder, self.target.done, self.skeleton.result()
        metadata = [folder.put(key, data) for key, data in skeleton.objects.items()]
        folder.flush()
        metadata.append(folder.put(METADATA, skeleton.root))
        manifest = _manifest(self.plan, [*made, *chain.from_iterable(done.values()), *metadata])
        return WrittenPyramid(
            level_count=self.plan.grid.level_count,
            object_count=len(manifest.objects),
            byte_count=manifest.byte_count,
            manifest_sha256=folder.seal(manifest),
            shards_taken_over=len(done),
        )


def write_pyramids(
    plan: BuildPlan,
    destinations: Sequence[Destination],
    scheduler: Scheduler,
    on_shard: Progress,
    *,
    unit_bytes: int = UNIT_BYTES,
) -> list[WrittenPyramid]:
    """Build pyramids, each at its destination, in one pass over the tiles.

    Each source cell is read once, each pyramid cell written once, nothing is read back. A group
    can be opened only when its last cell is safe. Shards that an earlier attempt left whole
    are linked, not made again.

    Parameters
    ----------
    plan : BuildPlan
    destinations : one for each pyramid of the plan
    scheduler : Scheduler
    on_shard : callable
        Called with (tasks done, tasks in all) after each task, from any thread. What it raises ends
        the build, and leaves what is finished to a later attempt.
    unit_bytes : int
        Decoded bytes of tiles that may wait for a second shard.

    Raises
    ------
    SourceError
        A tile is gone, changed or unreadable; the destinations then hold no group.
    StoreFailed
        A destination cannot be written, or is taken.
    """
    with ExitStack() as stack:
        # nobody needs the metadata before the cells are written
        aside = stack.enter_context(ThreadPoolExecutor(1))
        writings = [
            _start(plan, pyramid, destination, stack, aside)
            for pyramid, destination in zip(plan.pyramids, destinations, strict=True)
        ]
        source = MosaicCells(
            plan.mosaic.cell_type, DecodedTiles(plan.mosaic.roots, plan.tree.shard_cells, unit_bytes)
        )
        tasks = ShardTasks(
            source=source, tree=plan.tree, targets=tuple(writing.target for writing in writings)
        )
        work = _Work(plan, tasks)
        report = _Report(writings, work.task_count, plan.task_count, on_shard)
        made = scheduler.run(tasks, work, plan.tree.root, report).stored
        return [writing.finish(stored) for writing, stored in zip(writings, made, strict=True)]


def _start(
    plan: BuildPlan, pyramid: PyramidPlan, destination: Destination, stack: ExitStack, aside: Executor
) -> _Writing:
    folder = destination.root.create()
    stack.callback(folder.close)
    journal = stack.enter_context(Journal(destination.root, plan.key(pyramid)))
    target = Target(
        reduction=pyramid.reduction,
        base=plan.mosaic.cell_type,
        tree=plan.tree,
        folder=folder,
        done=take_over(destination.earlier, folder, journal),
        level_0=destination.level_0,
    )
    return _Writing(pyramid, target, aside.submit(pyramid.skeleton), journal)


class _Work:
    """The tasks that are left: what an earlier attempt finished is loaded where it is needed, no more."""

    def __init__(self, plan: BuildPlan, tasks: ShardTasks) -> None:
        self._plan = plan
        self._tasks = tasks
        self._whole: set[Shard] = set()
        if any(target.done for target in tasks.targets):
            self._find_whole(plan.tree.root)

    def _find_whole(self, shard: Shard) -> bool:
        """Whether a shard and all below it are stored: one below may be damaged when its parent is not.

        Of such shards those are whole whose stored arrays hold their parts, as level 0 of some metrics
        does not: what lies below a whole shard is not needed at all.
        """
        below = [self._find_whole(child) for child in self._plan.children(shard)]
        if not (all(below) and self._tasks.is_stored(shard)):
            return False
        if self._tasks.is_finished(shard):
            self._whole.add(shard)
        return True

    @property
    def task_count(self) -> int:
        """Number of tasks that are left."""
        waiting, count = [self._plan.tree.root], 0
        while waiting:
            count += 1
            waiting.extend(self.children(waiting.pop()))
        return count

    def children(self, shard: Shard) -> Sequence[Shard]:
        if shard in self._whole:
            return []
        children = self._plan.children(shard)
        if self._tasks.is_finished(shard):
            return [child for child in children if child not in self._whole]
        return children

    def tiles(self, shard: Shard) -> Sequence[PlacedTile]:
        return [] if shard in self._whole else self._plan.tiles(shard)


class _Report:
    """Keeps the journals and tells how far the build is."""

    def __init__(self, writings: Sequence[_Writing], left: int, total: int, on_shard: Progress) -> None:
        self._writings = writings
        self._done = total - left
        self._total = total
        self._on_shard = on_shard

    def __call__(self, shard: Shard, own: tuple[StoredObjects, ...]) -> None:
        for writing, stored in zip(self._writings, own, strict=True):
            if shard not in writing.target.done:
                writing.journal.add(shard, stored)
        self._done += 1
        self._on_shard(self._done, self._total)


def _manifest(plan: PyramidPlan, stored: list[StoredObject]) -> Manifest:
    objects = {each.key: each for each in stored}
    return Manifest(objects, frozenset(key for key in plan.chunk_keys() if key not in objects))
