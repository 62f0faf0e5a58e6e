"""A pyramid is planned, then written: `plan_pyramid` has no effect, `write_pyramid` has all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from raster.encoding import METADATA, Skeleton, chunk_keys, make_skeleton
from raster.grid import Grid
from raster.layout import Description
from raster.metrics.interface import Metric, Reduction, StoredArray
from raster.mosaic import Mosaic
from raster.objects import Manifest, ObjectFolder, StoredObject
from raster.quadtree import ShardTasks, reduce_tree
from raster.shards import CHUNK_CELLS, SHARD_CELLS, Shard, ShardTree


@dataclass(frozen=True)
class PyramidPlan:
    """What a build will do: printable, and without effect until it is written."""

    mosaic: Mosaic
    reduction: Reduction
    about: Description
    tree: ShardTree

    @property
    def grid(self) -> Grid:
        return self.mosaic.grid

    @cached_property
    def tiles_of_shard(self) -> Mapping[Shard, list[int]]:
        """Tiles (ascending precedence) under each level-0 shard; shards without tiles are not in it."""
        tiles: dict[Shard, list[int]] = defaultdict(list)
        for index, tile in enumerate(self.mosaic.tiles):
            for shard in self.tree.shards_of(tile.window):
                tiles[shard].append(index)
        return dict(tiles)

    @cached_property
    def busy_shards(self) -> frozenset[Shard]:
        """Shards up to the root that have tiles under them: one task each."""
        busy: set[Shard] = set()
        for leaf in self.tiles_of_shard:
            shard = leaf
            while shard not in busy:
                busy.add(shard)
                if shard == self.tree.root:
                    break
                shard = Shard(shard.level + 1, shard.row // 2, shard.col // 2)
        return frozenset(busy)

    def arrays(self, level: int) -> list[StoredArray]:
        """The arrays stored at a level, the value first."""
        return [self.reduction.value, *(self.reduction.companions if level else ())]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPyramid:
    """What was written: sizes for the catalogue, and the hash that pins every byte of it."""

    level_count: int
    object_count: int
    byte_count: int
    manifest_sha256: str


def plan_pyramid(
    mosaic: Mosaic,
    metric: Metric,
    about: Description,
    *,
    shard_cells: int = SHARD_CELLS,
    chunk_cells: int = CHUNK_CELLS,
) -> PyramidPlan:
    """Plan the pyramid of a terrain under a metric; opens no source and writes nothing.

    Memory is proportional to the tiles and to the shards they touch.
    """
    reduction = metric.bind(mosaic.cell_type, mosaic.grid.cell_count)
    return PyramidPlan(mosaic, reduction, about, ShardTree(mosaic.grid, shard_cells, chunk_cells))


def write_pyramid(
    plan: PyramidPlan, root: Path, *, workers: int, on_shard: Callable[[int, int], None]
) -> WrittenPyramid:
    """Build the pyramid at `root`, a folder that does not exist yet.

    Each source cell is read once, each pyramid cell written once, nothing is read back. The
    group can be opened only when the last cell is on the disk.

    Parameters
    ----------
    plan : PyramidPlan
    root : Path
        "….zarr"; the manifest goes beside it.
    workers : int
        Threads that read, reduce and encode.
    on_shard : callable
        Called from any thread with (tasks done, tasks in all) after each task.

    Raises
    ------
    SourceError
        A tile is gone, changed or unreadable; `root` then holds no group.
    """
    folder = ObjectFolder(root)
    arrays = {level: plan.arrays(level) for level in range(plan.grid.level_count)}
    skeleton = make_skeleton(plan.tree, arrays, plan.about)
    tasks = ShardTasks(
        mosaic=plan.mosaic,
        reduction=plan.reduction,
        tree=plan.tree,
        tiles_of_shard=plan.tiles_of_shard,
        metadata={key: text for key, text in skeleton.objects.items() if key.endswith(METADATA)},
        folder=folder,
    )
    cells = reduce_tree(tasks, plan.busy_shards, workers=workers, on_shard=on_shard)
    manifest = _manifest(plan, [*cells, *_put_skeleton(folder, skeleton)])
    return WrittenPyramid(
        level_count=plan.grid.level_count,
        object_count=len(manifest.objects),
        byte_count=manifest.byte_count,
        manifest_sha256=folder.seal(manifest),
    )


def _put_skeleton(folder: ObjectFolder, skeleton: Skeleton) -> list[StoredObject]:
    stored = [folder.put(key, data) for key, data in skeleton.objects.items()]
    return [*stored, folder.put(METADATA, skeleton.root)]


def _manifest(plan: PyramidPlan, stored: list[StoredObject]) -> Manifest:
    objects = {each.key: each for each in stored}
    expected = (
        f"{level}/{array.name}/{key}"
        for level in range(plan.grid.level_count)
        for array in plan.arrays(level)
        for key in chunk_keys(plan.grid.level(level).window, plan.tree.chunk_shapes(level).object_shape)
    )
    return Manifest(objects, frozenset(key for key in expected if key not in objects))
