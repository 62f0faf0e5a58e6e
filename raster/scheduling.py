"""How the shard tasks are run: as Dask graphs on threads of this process or on the workers of a cluster.

A graph holds a subtree of the quadtree of bounded depth, a *wave*, so that few tasks are outstanding
however large the terrain is. Above the waves a shard's four children come one after the other,
and at most three reduced shards a level wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from dask import threaded
from dask.delayed import Delayed, delayed

from raster.errors import ClusterUnavailable
from raster.quadtree import Reduced, ShardTasks, StoredObjects
from raster.shards import Shard
from raster.storage.manifest import StoredObject
from raster.tiles import PlacedTile

if TYPE_CHECKING:
    from distributed import Client, Future

WAVE_LEVELS = 4
"""Levels below the root of one wave: at most 4^4 leaves, 341 tasks, are outstanding on threads."""

LEAVES_A_THREAD = 16
"""Of a wave on a cluster: while the last tasks of a wave run, the other threads wait."""

LARGEST_WAVE_LEVELS = 8
"""87381 tasks: more would make Dask's scheduler the bottleneck."""

POLL_S = 0.05
"""How often a wave on a cluster is looked at: it takes seconds."""

Report = Callable[[Shard, tuple[StoredObjects, ...]], None]
"""Told of each shard that was made, and what it stored for each pyramid; from any thread."""


class Work(Protocol):
    """What there is to do, seen from a scheduler."""

    def children(self, shard: Shard) -> Sequence[Shard]:
        """The shards whose tasks come before this one's."""

    def tiles(self, shard: Shard) -> Sequence[PlacedTile]:
        """The tiles under a shard of level 0, in ascending precedence."""


class Scheduler(Protocol):
    """Runs tasks."""

    def run(self, tasks: ShardTasks, work: Work, root: Shard, report: Report) -> Reduced:
        """Run the task of `root` and of all below it, children before parents."""


@dataclass(frozen=True, slots=True)
class ThreadScheduler:
    """Threads of this process."""

    workers: int

    def run(self, tasks: ShardTasks, work: Work, root: Shard, report: Report) -> Reduced:
        notify = _Notify(report)
        waves = _Waves(_constant(tasks), work, notify, WAVE_LEVELS)

        return waves.reduce(root, self._compute)

    def _compute(self, graph: Delayed) -> Reduced:
        # Dask's own threads would go on writing after a task has failed or Ctrl-C was pressed
        pool = ThreadPoolExecutor(self.workers)
        try:
            # by its name, "threads", Dask would import distributed first
            return cast(Reduced, graph.compute(scheduler=threaded.get, pool=pool))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Notify:
    """Reports from threads of this process, one at a time."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = Lock()

    def __call__(self, reduced: Reduced) -> None:
        with self._lock:
            self._report(reduced.shard, reduced.own)


@dataclass(frozen=True, slots=True)
class ClusterScheduler:
    """The workers of a `dask.distributed` cluster; they open sources and stores themselves.

    A worker that dies loses the reduced shards it held: Dask makes them anew elsewhere, and their
    objects are written again, byte for byte.
    """

    address: str

    def run(self, tasks: ShardTasks, work: Work, root: Shard, report: Report) -> Reduced:
        topic = f"ziggurat-{uuid4().hex}"
        events = _Events(report)
        with _connect(self.address) as client:
            client.subscribe_topic(topic, events.receive)
            try:
                waves = _Waves(_constant(tasks), work, _LogEvent(topic), _wave_levels(client))
                return waves.reduce(root, lambda graph: events.wait(client.compute(graph)))
            finally:
                client.unsubscribe_topic(topic)


class _Events:
    """What workers report. A task that ran twice, because its worker died, is reported once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._seen: set[Shard] = set()
        self._objection: Exception | None = None

    def receive(self, event: tuple[float, Any]) -> None:
        place, objects = event[1]
        shard = Shard(*place)
        own = tuple(tuple(StoredObject(*each) for each in stored) for stored in objects)
        if shard in self._seen or self._objection is not None:
            return
        self._seen.add(shard)
        try:
            self._report(shard, own)
        except Exception as error:  # noqa: BLE001 - raised by `wait`, in the thread that builds
            self._objection = error

    def wait(self, future: Future[Reduced]) -> Reduced:
        """The result of a wave, unless whoever is reported to objects: then the wave is given up."""
        while not future.done() and self._objection is None:
            sleep(POLL_S)
        if self._objection is not None:
            future.cancel()
            raise self._objection
        return future.result()


@dataclass(frozen=True, slots=True)
class _LogEvent:
    """Reports from a worker to the process that builds."""

    topic: str

    def __call__(self, reduced: Reduced) -> None:
        from distributed import get_worker  # noqa: PLC0415 - half a second that threads need not pay

        shard = reduced.shard  # events are plain lists
        objects = [[[each.key, each.size, each.crc32] for each in stored] for stored in reduced.own]
        get_worker().log_event(self.topic, [[shard.level, shard.row, shard.col], objects])


def _connect(address: str) -> Client:
    from distributed import Client  # noqa: PLC0415 - half a second that threads need not pay

    try:
        return Client(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterUnavailable(address, str(error) or type(error).__name__) from error


def _wave_levels(client: Client) -> int:
    threads = sum(client.nthreads().values()) or 1
    levels = (threads * LEAVES_A_THREAD - 1).bit_length()
    return min(LARGEST_WAVE_LEVELS, max(WAVE_LEVELS, -(-levels // 2)))


@dataclass(frozen=True, slots=True)
class _Waves:
    """The quadtree as graphs of `levels` levels each."""

    tasks: Delayed
    work: Work
    notify: Callable[[Reduced], None]
    levels: int

    def reduce(self, shard: Shard, compute: Callable[[Delayed], Reduced]) -> Reduced:
        """Run the tasks of a shard and of all below it."""
        if shard.level <= self.levels:
            return compute(self._graph(shard))
        children = [_constant(self.reduce(child, compute)) for child in self.work.children(shard)]
        return compute(self._task(shard, children))

    def _graph(self, shard: Shard) -> Delayed:
        return self._task(shard, [self._graph(child) for child in self.work.children(shard)])

    def _task(self, shard: Shard, children: Sequence[Delayed]) -> Delayed:
        run = partial(_run_task, self.notify, shard, tuple(self.work.tiles(shard)))
        return cast(Delayed, delayed(run, pure=False)(self.tasks, *children))


def _constant(value: ShardTasks | Reduced) -> Delayed:
    """A value as a node of a graph, unseen by Dask: it would search every object in it for graphs."""
    return cast(Delayed, delayed(value, name=f"{type(value).__name__}-{uuid4().hex}", traverse=False))


def _run_task(
    notify: Callable[[Reduced], None],
    shard: Shard,
    tiles: Sequence[PlacedTile],
    tasks: ShardTasks,
    *children: Reduced,
) -> Reduced:
    reduced = tasks.run(shard, tiles, *children)
    notify(reduced)
    return reduced
