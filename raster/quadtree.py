"""The work on one shard: its cells from the sources or from its four children, stored, and handed up.

A task gathers its children's reduced cells (level 0: the sources' cells), writes its own shard
of every pyramid that is built, and hands up its cells reduced once more. So every source cell is
read once, every pyramid cell written once, and nothing is read back. The same tasks run on threads
and on the workers of a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from raster.cells import Cells, CellType
from raster.grid import Window
from raster.journal import Attempt
from raster.metrics.interface import Reduction, StoredArray
from raster.mosaic import MosaicCells
from raster.object_format import ObjectFormat
from raster.shard_writer import ShardWriter
from raster.shards import Shard, ShardTree
from raster.storage.manifest import StoredObject
from raster.storage.store import ObjectFolder, read_whole
from raster.tiles import PlacedTile
from raster.waiting import GatheredParts, WaitingParts, narrow_parts, widen_parts
from raster.zoom import Parts, bands, concatenate

StoredObjects = tuple[StoredObject, ...]


@dataclass(frozen=True, slots=True, weakref_slot=True)  # how many are alive can be counted
class Reduced:
    """What a task hands up, for each pyramid: the shard's parts after one more 2x2 step, and what it stored.

    `below` is what the tasks under it stored.
    """

    shard: Shard
    parts: tuple[WaitingParts, ...]
    own: tuple[StoredObjects, ...]
    below: tuple[StoredObjects, ...]

    @property
    def stored(self) -> tuple[StoredObjects, ...]:
        """What the tasks of the whole subtree stored."""
        return tuple((*below, *own) for below, own in zip(self.below, self.own, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One pyramid while it is written.

    `done`: shards of an earlier attempt whose objects lie in `folder` already. `level_0`: shards of
    level 0 of another pyramid, taken over when their turn comes, if they are whole.
    """

    reduction: Reduction
    base: CellType
    tree: ShardTree
    folder: ObjectFolder
    done: Mapping[Shard, StoredObjects]
    level_0: Attempt | None

    def make_leaf(self, shard: Shard, cells: Cells) -> tuple[StoredObjects, Parts]:
        """Store level 0's cells of a shard and reduce them; what was stored before is not stored again."""
        writer = self._writer(0, self.tree.window(shard))
        name, is_new = self.reduction.value.name, shard not in self.done
        zoomed: list[Parts] = []
        for rows in writer.chunk_rows():
            values: list[Parts] = []
            for band in bands(cells[rows]):
                parts = self.reduction.lift(band)
                if is_new and not self.reduction.keeps_cells:
                    values.append({name: self.reduction.finish(parts)[name]})
                zoomed.append(narrow_parts(self.reduction.zoom(parts)))
            if is_new:
                writer.add(concatenate(values, axis=0) if values else {name: cells[rows]})
        return writer.put(self.folder), concatenate(zoomed, axis=0)

    def make_inner(
        self, shard: Shard, children: Sequence[tuple[Shard, WaitingParts]]
    ) -> tuple[StoredObjects, Parts]:
        """Store a shard of level 1 or above, made from its children, and reduce it.

        One row of chunks after the other, so that the parts of a whole shard are never in memory.
        """
        window = self.tree.window(shard)
        writer = self._writer(shard.level, window)
        gathered = GatheredParts(children, self._nothing, self.tree.shard_cells)
        zoomed: list[Parts] = []
        for rows in writer.chunk_rows():
            parts = gathered.read_rows(rows, window.width)
            writer.add(self.reduction.finish(parts))
            zoomed.append(narrow_parts(self.reduction.zoom(parts)))
        return writer.put(self.folder), concatenate(zoomed, axis=0)

    def make_top(self, parts: Parts) -> StoredObjects:
        """Store every level above the root's, each of which is one shard or less."""
        parts = widen_parts(parts, self._nothing)
        stored: StoredObjects = ()
        for level in range(self.tree.root.level + 1, self.tree.grid.level_count):
            window = self.tree.grid.level(level).window
            writer = self._writer(level, window)
            arrays = self.reduction.finish(parts)
            for rows in writer.chunk_rows():
                writer.add({name: cells[rows] for name, cells in arrays.items()})
            stored += writer.put(self.folder)
            parts = self.reduction.zoom(parts)
        return stored

    @property
    def _nothing(self) -> Parts:
        """Parts of one cell of nodata."""
        return self.reduction.lift(self.base.empty((1, 1)))

    def resume(self, shard: Shard) -> tuple[StoredObjects, Parts] | None:
        """What is new of a shard that some other build stored, and its reduced parts.

        None when it is not there, not whole, or does not hold its parts.
        """
        if shard in self.done:
            objects = {stored.key: self.folder.get(stored.key) for stored in self.done[shard]}
            return self._resume(shard, (), objects)
        if shard.level or self.level_0 is None or shard not in self.level_0.shards:
            return None
        stored = self.level_0.shards[shard]
        objects = {}
        for each in stored:
            data = read_whole(self.level_0.root, each)
            if data is None or not self.folder.link(each, self.level_0.root):
                return None
            objects[each.key] = data
        return self._resume(shard, stored, objects)

    def _resume(
        self, shard: Shard, new: StoredObjects, objects: Mapping[str, bytes]
    ) -> tuple[StoredObjects, Parts] | None:
        arrays = self._arrays(shard.level)
        zoomed: list[Parts] = []
        for rows in zip(*(self._decode(shard, array, objects) for array in arrays), strict=True):
            named = {array.name: cells for array, cells in zip(arrays, rows, strict=True)}
            parts = self.reduction.resume(shard.level, named)
            if parts is None:
                return None
            zoomed.append(narrow_parts(self.reduction.zoom(parts)))
        return new, concatenate(zoomed, axis=0)

    def holds_parts(self, shard: Shard) -> bool:
        """Whether `resume` will give parts, so that nothing below the shard is needed."""
        if shard not in self.done:
            return False
        if shard.level:
            return True
        value = self.reduction.value
        return self.reduction.resume(0, {value.name: np.zeros((1, 1), value.dtype)}) is not None

    def _arrays(self, level: int) -> list[StoredArray]:
        return [self.reduction.value, *(self.reduction.companions if level else ())]

    def _format(self, level: int, array: StoredArray) -> ObjectFormat:
        return ObjectFormat(level, array, self.tree.chunk_shapes(level))

    def _decode(self, shard: Shard, array: StoredArray, objects: Mapping[str, bytes]) -> Iterator[Cells]:
        window, stored = self.tree.window(shard), self._format(shard.level, array)
        return stored.decode_rows(objects.get(stored.key(window)), window.shape)

    def _writer(self, level: int, window: Window) -> ShardWriter:
        return ShardWriter([self._format(level, array) for array in self._arrays(level)], window)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTasks:
    """The work on any one shard of the pyramids that are built together."""

    source: MosaicCells
    tree: ShardTree
    targets: tuple[Target, ...]

    def is_finished(self, shard: Shard) -> bool:
        """Whether an earlier attempt left all of the shard that is needed above it."""
        return all(target.holds_parts(shard) for target in self.targets)

    def is_stored(self, shard: Shard) -> bool:
        """Whether an earlier attempt stored the shard, of every pyramid."""
        return all(shard in target.done for target in self.targets)

    def run(self, shard: Shard, tiles: Sequence[PlacedTile], *children: Reduced) -> Reduced:
        """Make one shard from its tiles or its children, and the levels above it if it is the root."""
        made = self._leaf(shard, tiles) if shard.level == 0 else self._inner(shard, children)
        if shard == self.tree.root:
            made = [self._finish(target, *each) for target, each in zip(self.targets, made, strict=True)]
        below = [child.stored for child in children]
        return Reduced(
            shard,
            parts=tuple(WaitingParts.of(parts, shard.level) for _, parts in made),
            own=tuple(own for own, _ in made),
            below=tuple(tuple(chain.from_iterable(each[i] for each in below)) for i in range(len(made))),
        )

    def _finish(self, target: Target, own: StoredObjects, parts: Parts) -> tuple[StoredObjects, Parts]:
        """Add the levels above the root, unless an earlier attempt got that far."""
        return (own if self.tree.root in target.done else (*own, *target.make_top(parts))), parts

    def _leaf(self, shard: Shard, tiles: Sequence[PlacedTile]) -> list[tuple[StoredObjects, Parts]]:
        resumed = [target.resume(shard) for target in self.targets]
        found = [each for each in resumed if each is not None]
        if len(found) == len(resumed):
            return found
        cells = self.source.read_window(self.tree.window(shard), tiles)
        return [
            target.make_leaf(shard, cells) if each is None else each
            for target, each in zip(self.targets, resumed, strict=True)
        ]

    def _inner(self, shard: Shard, children: Sequence[Reduced]) -> list[tuple[StoredObjects, Parts]]:
        made: list[tuple[StoredObjects, Parts]] = []
        for i, target in enumerate(self.targets):
            below = [(child.shard, child.parts[i]) for child in children]
            made.append(target.resume(shard) or target.make_inner(shard, below))
        return made
