"""Whether a stored pyramid is whole, byte by byte, and right, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import numpy as np
from isal import isal_zlib

from raster.cells import Cells
from raster.decoding import DecodedTiles
from raster.errors import PyramidCorrupt
from raster.grid import Window
from raster.metrics.interface import StoredArray
from raster.mosaic import MosaicCells
from raster.pyramid import BuildPlan, PyramidPlan
from raster.storage.manifest import StoredObject
from raster.storage.store import PARTIAL, Root, read_manifest
from raster.window import StoredPyramid
from raster.zoom import Parts

WINDOW_CELLS = 64
"""Cells a side of a window that is computed anew."""

READING_THREADS = 8
"""They wait for the disk or the store; each holds one object."""

UNIT_BYTES = 2**24
"""Decoded tiles that may wait: windows lie far apart, so few are met again."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something stored that is not as it should be."""

    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCoverage:
    """What was computed anew of a level: windows from the sources, windows from the level below, cells."""

    level: int
    from_sources: int
    from_below: int
    cell_count: int


def find_damage(root: Root, manifest_sha256: str | None = None) -> Iterator[Flaw | StoredObject]:
    """Read every object of a pyramid; give each whole one, and a flaw for each that is not.

    Parameters
    ----------
    root : Root
    manifest_sha256 : str, optional
        As the catalogue has it.

    Raises
    ------
    PyramidCorrupt
        The manifest is missing, damaged or another one: what it lists is then worth nothing.
    StoreFailed
        The store cannot be read now, which says nothing about the pyramid.
    """
    manifest = read_manifest(root, manifest_sha256)
    pool = ThreadPoolExecutor(READING_THREADS)
    try:
        yield from pool.map(lambda stored: _damage_of(root, stored) or stored, manifest.objects.values())
    finally:
        pool.shutdown(cancel_futures=True)
    for file in root.list_files():
        folder, _, key = file.key.partition("/")
        if folder == root.name and key not in manifest.objects and not key.endswith(PARTIAL):
            yield Flaw(key, "the manifest does not know this file")


def _damage_of(root: Root, stored: StoredObject) -> Flaw | None:
    data = root.read(stored.key)
    if data is None:
        return Flaw(stored.key, "missing")
    if len(data) != stored.size:
        return Flaw(stored.key, f"{len(data)} bytes where {stored.size} were stored")
    if isal_zlib.crc32(data) != stored.crc32:
        return Flaw(stored.key, "its checksum is another one")
    return None


@dataclass(frozen=True)
class Recomputation:
    """Computes windows of a stored pyramid anew.

    From the sources where a window covers at most `cell_budget` native cells, else from the
    stored level below: then level 1 rests on the sources, and each level on the one before it.
    """

    plan: BuildPlan
    pyramid: PyramidPlan
    stored: StoredPyramid
    cell_budget: int

    def find_errors(self, level: int, count: int, random: Random) -> Iterator[Flaw | LevelCoverage]:
        """Compare random windows of a level; the last thing given is what they covered."""
        windows = [self._random_window(level, random) for _ in range(count)]
        from_sources = 0
        for window in windows:
            native = self._native(level, window)
            is_affordable = level == 0 or native.cell_count <= self.cell_budget
            from_sources += is_affordable
            parts = self._from_sources(level, native) if is_affordable else self._from_below(level, window)
            yield from self._differences(level, window, parts)
        yield LevelCoverage(
            level=level,
            from_sources=from_sources,
            from_below=len(windows) - from_sources,
            cell_count=sum(window.cell_count for window in windows),
        )

    def _random_window(self, level: int, random: Random) -> Window:
        whole = self.plan.grid.level(level).window
        row, col = random.randrange(whole.height), random.randrange(whole.width)
        side = Window(row=row, col=col, height=WINDOW_CELLS, width=WINDOW_CELLS)
        return side.intersection(whole) or whole

    def _native(self, level: int, window: Window) -> Window:
        """The native cells under a window of a level."""
        factor = 2**level
        below = Window(
            row=window.row * factor,
            col=window.col * factor,
            height=window.height * factor,
            width=window.width * factor,
        )
        return below.intersection(self.plan.grid.window) or below

    def _from_sources(self, level: int, native: Window) -> Parts:
        mosaic, side = self.plan.mosaic, self.plan.tree.shard_cells
        decoded = DecodedTiles(mosaic.roots, side, UNIT_BYTES)
        numbers: set[int] = set()
        for shard in self.plan.tree.shards_of(native):
            numbers.update(self.plan.index.tiles_of(shard.row, shard.col).tolist())
        tiles = [mosaic.tiles[number] for number in sorted(numbers)]
        cells = MosaicCells(mosaic.cell_type, decoded).read_window(native, tiles)
        parts = self.pyramid.reduction.lift(cells)
        for _ in range(level):
            parts = self.pyramid.reduction.zoom(parts)
        return parts

    def _from_below(self, level: int, window: Window) -> Parts:
        """One zoom step from the stored level below; its lowest level always comes from the sources."""
        doubled = Window(
            row=2 * window.row, col=2 * window.col, height=2 * window.height, width=2 * window.width
        )
        below = doubled.intersection(self.plan.grid.level(level - 1).window) or doubled
        arrays = {array.name: self._read(level - 1, array, below) for array in self.pyramid.arrays(level - 1)}
        parts = self.pyramid.reduction.resume(level - 1, arrays)
        if parts is None:
            return self._from_sources(level, self._native(level, window))
        return self.pyramid.reduction.zoom(parts)

    def _differences(self, level: int, window: Window, parts: Parts) -> Iterator[Flaw]:
        expected: Mapping[str, Cells] = self.pyramid.reduction.finish(parts)
        for array in self.pyramid.arrays(level):
            where = f"{level}/{array.name} {window}"
            try:
                found = self._read(level, array, window)
            except PyramidCorrupt as error:
                yield Flaw(where, str(error))
                continue
            differing = _count_differing(found, expected[array.name])
            if differing:
                yield Flaw(where, f"{differing} of {found.size} cells are not what the metric gives")

    def _read(self, level: int, array: StoredArray, window: Window) -> Cells:
        return self.stored.read_window(level, window, array.name)


def _count_differing(found: Cells, expected: Cells) -> int:
    """Cells that are not the same; NaN is the same as NaN."""
    same = found == expected
    if found.dtype.kind == "f":
        same |= np.isnan(found) & np.isnan(expected)
    return int(same.size - np.count_nonzero(same))
