"""The build itself: Dask runs one opaque task per shard, children before parents.

A task gathers its children's reduced cells (level 0: the sources' cells), writes its own shard
and hands up its cells reduced once more. Tasks are handed to Dask in waves, so that the graph
stays small however large the terrain is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import cast

import numpy as np
from dask.delayed import Delayed, delayed

from raster.cells import Cells
from raster.encoding import METADATA, encode_cells
from raster.grid import Window
from raster.metrics.interface import Reduction
from raster.mosaic import Mosaic
from raster.objects import ObjectFolder, StoredObject
from raster.shards import Shard, ShardTree
from raster.zoom import Parts, bands, concatenate

WAVE_LEVELS = 4
"""Levels below the root of one Dask graph: at most 4^4 leaves, 341 tasks, are outstanding."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """What a task hands up: its shard's cells after one more 2x2 step, and what it stored."""

    shard: Shard
    parts: Parts
    stored: tuple[StoredObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTasks:
    """The work on any one shard; the same for every scheduler."""

    mosaic: Mosaic
    reduction: Reduction
    tree: ShardTree
    tiles_of_shard: Mapping[Shard, Sequence[int]]
    metadata: Mapping[str, bytes]
    folder: ObjectFolder

    def run(self, shard: Shard, *children: Reduced) -> Reduced:
        """Make one shard from the sources or its children, and the levels above it if it is the root."""
        if shard.level == 0:
            stored, parts = self._make_leaf(shard)
        else:
            parts = self._gather(shard, children)
            stored = self._write(shard.level, self.tree.window(shard), parts)
            parts = self.reduction.zoom(parts)
        if shard == self.tree.root:
            stored = [*stored, *self._write_top(parts)]
        below = (each for child in children for each in child.stored)
        return Reduced(shard, parts, (*below, *stored))

    def _make_leaf(self, shard: Shard) -> tuple[list[StoredObject], Parts]:
        window = self.tree.window(shard)
        cells = self.mosaic.read_window(window, self.tiles_of_shard[shard])
        values: list[Parts] = []
        zoomed: list[Parts] = []
        name = self.reduction.value.name
        for band in bands(cells):
            parts = self.reduction.lift(band)
            values.append({name: self.reduction.finish(parts)[name]})
            zoomed.append(self.reduction.zoom(parts))
        return self._store(0, window, concatenate(values, axis=0)), concatenate(zoomed, axis=0)

    def _gather(self, shard: Shard, children: Sequence[Reduced]) -> Parts:
        """The shard's parts from its children; one without tiles is nodata."""
        window = self.tree.window(shard)
        nothing = self.reduction.lift(self.mosaic.cell_type.empty((1, 1)))
        gathered = {
            name: np.full(window.shape, part[0, 0], dtype=part.dtype) for name, part in nothing.items()
        }
        half = self.tree.shard_cells // 2
        for child in children:
            for name, part in child.parts.items():
                row, col = half * (child.shard.row % 2), half * (child.shard.col % 2)
                gathered[name][row : row + part.shape[0], col : col + part.shape[1]] = part
        return gathered

    def _write_top(self, parts: Parts) -> list[StoredObject]:
        """Write every level above the root's, each of which is one shard or less."""
        stored: list[StoredObject] = []
        for level in range(self.tree.root.level + 1, self.tree.grid.level_count):
            stored += self._write(level, self.tree.grid.level(level).window, parts)
            parts = self.reduction.zoom(parts)
        return stored

    def _write(self, level: int, window: Window, parts: Parts) -> list[StoredObject]:
        return self._store(level, window, self.reduction.finish(parts))

    def _store(self, level: int, window: Window, arrays: Mapping[str, Cells]) -> list[StoredObject]:
        """Put the arrays' cells of one window; cells that are all fill are not stored."""
        stored: list[StoredObject] = []
        for name, cells in arrays.items():
            path = f"{level}/{name}"
            for key, data in encode_cells(self.metadata[f"{path}/{METADATA}"], window, cells):
                stored.append(self.folder.put(f"{path}/{key}", data))
        return stored


class _Progress:
    """Counts finished tasks across threads."""

    def __init__(self, total: int, on_shard: Callable[[int, int], None]) -> None:
        self._done = 0
        self._total = total
        self._on_shard = on_shard
        self._lock = Lock()

    def advance(self) -> None:
        with self._lock:
            self._done += 1
            self._on_shard(self._done, self._total)


@dataclass(frozen=True, slots=True)
class QuadtreeRun:
    """One run of all busy shards' tasks on `workers` threads."""

    tasks: ShardTasks
    busy: Collection[Shard]
    workers: int
    progress: _Progress

    def reduce(self, shard: Shard) -> Reduced:
        """Run the tasks of a shard and of all below it.

        Subtrees of at most `WAVE_LEVELS` levels are one Dask graph; above them the four
        children come one after the other, so that at most three reduced shards a level wait.
        """
        if shard.level <= WAVE_LEVELS:
            return self._compute(self._graph(shard))
        return self._run(shard, *(self.reduce(child) for child in self._children(shard)))

    def _compute(self, graph: Delayed) -> Reduced:
        # Dask's own threads would go on writing after a task has failed or Ctrl-C was pressed
        pool = ThreadPoolExecutor(self.workers)
        try:
            return cast(Reduced, graph.compute(scheduler="threads", pool=pool))  # type: ignore[no-untyped-call]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _graph(self, shard: Shard) -> Delayed:
        children = [self._graph(child) for child in self._children(shard)]
        return cast(Delayed, delayed(partial(self._run, shard), pure=False)(*children))

    def _run(self, shard: Shard, *children: Reduced) -> Reduced:
        reduced = self.tasks.run(shard, *children)
        self.progress.advance()
        return reduced

    def _children(self, shard: Shard) -> list[Shard]:
        return [child for child in self.tasks.tree.children(shard) if child in self.busy]


def reduce_tree(
    tasks: ShardTasks,
    busy: Collection[Shard],
    *,
    workers: int,
    on_shard: Callable[[int, int], None],
) -> tuple[StoredObject, ...]:
    """Run the tasks of all busy shards, children before parents, and return what they stored."""
    run = QuadtreeRun(tasks, busy, workers, _Progress(len(busy), on_shard))
    return run.reduce(tasks.tree.root).stored
