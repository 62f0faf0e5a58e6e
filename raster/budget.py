"""How much memory a build may take: what it costs, and how many workers and which shards fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raster.cells import CellType
from raster.errors import BudgetTooSmall
from raster.metrics.interface import Reduction
from raster.shards import CHUNK_CELLS, SHARD_CELLS

PROCESS_BYTES = 220 * 2**20
"""Python with numpy, zarr, Dask and rasterio loaded, before the first cell (`scripts/bench memory`)."""

CELL_COPIES = 2
"""A worker's cells of a shard, and the same as the source has them."""

WAITING_SHARDS = 3
"""Reduced shards of level 0 that wait for their fourth sister."""

UNIT_SHARE = 8
"""The part of the budget that decoded tiles may take while they wait for a second shard."""

MOST_UNIT_BYTES = 2**27
"""And no more than 128 MiB."""

SMALLEST_SHARD_CELLS = CHUNK_CELLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What fits into a budget, and the memory it is expected to take."""

    workers: int
    shard_cells: int
    unit_bytes: int
    memory_bytes: int


def allot(base: CellType, reductions: Sequence[Reduction], *, cores: int, budget_bytes: int) -> Allotment:
    """As many workers as there are cores and memory; smaller shards only if not one worker fits.

    Raises
    ------
    BudgetTooSmall
        Not even the smallest shard fits.
    """
    shard_cells = SHARD_CELLS
    while True:
        unit_bytes = min(budget_bytes // UNIT_SHARE, MOST_UNIT_BYTES)
        fixed = PROCESS_BYTES + unit_bytes + _waiting_bytes(reductions, shard_cells)
        worker = _worker_bytes(base, reductions, shard_cells)
        workers = min(cores, (budget_bytes - fixed) // worker)
        if workers >= 1:
            return Allotment(
                workers=workers,
                shard_cells=shard_cells,
                unit_bytes=unit_bytes,
                memory_bytes=fixed + workers * worker,
            )
        if shard_cells <= SMALLEST_SHARD_CELLS:
            raise BudgetTooSmall(budget_bytes, fixed + worker)
        shard_cells //= 2


def _worker_bytes(base: CellType, reductions: Sequence[Reduction], shard_cells: int) -> int:
    """Most that one task holds: at level 0 the cells, above it the four children's parts.

    Beside them what one pyramid stores, compressed at worst to nothing less, and the reduced parts, in
    bands and put together.
    """
    parts = sum(map(_part_bytes, reductions))
    below = max(CELL_COPIES * base.dtype.itemsize, parts)
    return shard_cells**2 * (below + max(map(_stored_bytes, reductions)) + parts // 2)


def _waiting_bytes(reductions: Sequence[Reduction], shard_cells: int) -> int:
    """Reduced shards of level 0 that wait, a quarter of the cells each; the others are on the disk."""
    return WAITING_SHARDS * shard_cells**2 // 4 * sum(map(_part_bytes, reductions))


def _part_bytes(reduction: Reduction) -> int:
    """Bytes of one cell's parts: the value itself, or what is stored beside it."""
    return sum(array.dtype.itemsize for array in reduction.companions) or reduction.value.dtype.itemsize


def _stored_bytes(reduction: Reduction) -> int:
    return sum(array.dtype.itemsize for array in (reduction.value, *reduction.companions))
