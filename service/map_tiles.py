"""The use-case behind a map tile: its cells, of a generation whose chunks are kept decoded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from time import monotonic

from catalog.models import Generation
from raster.cells import CellType
from raster.grid import Grid
from raster.map_tiles.ground_sizes import CellSizes, measure_cells, of_same_rows
from raster.map_tiles.reading import MappedPyramid, MapTile, TileAsked, read_map_tile
from raster.window import StoredPyramid
from service.cold_rule import Standing
from service.house import House
from service.open_pyramids import OpenPyramids
from service.pyramid_states import State
from service.terrain_grids import cell_type_of
from service.zarr_reader import Pinned

DEFAULT = "default"
"""In place of a metric's name: mean where it was ever built, else max."""

KEPT = 64
"""Generations that are kept ready."""

PINNED_S = 60.0
"""How long a generation may be shown that the catalogue has forgotten, as long as it lies there."""

CURRENT_S = 2.0
"""How long one is shown as the current one before the catalogue is asked again."""

KEPT_SIZES = 1024
"""Rows of map tiles whose cells were measured, which takes a third of a tile's time."""

RANGE_CELLS = 2**20
"""Cells of the level whose lowest and highest values stand for those of the pyramid: a few chunks."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the address of a map names: a pyramid of a terrain, or just one generation of it."""

    terrain: str
    metric: str
    generation: str | None

    @classmethod
    def parse(cls, terrain: str, metric: str) -> Shown:
        """`metric` as an address has it: `max`, `default`, or `max@g…` for one generation."""
        name, is_pinned, generation = metric.partition("@")
        return cls(terrain, name, generation if is_pinned else None)

    @property
    def asked(self) -> str:
        """The metric as the address has it."""
        return self.metric if self.generation is None else f"{self.metric}@{self.generation}"

    @property
    def is_pinned(self) -> bool:
        """Whether it never means anything else."""
        return self.generation is not None

    @property
    def pinned(self) -> Pinned:
        """The one generation that the address names."""
        return Pinned(self.terrain, self.metric, self.generation or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """The generation that an address shows; `standing`: how its pyramid stands, unless it is pinned."""

    generation: Generation
    state: State
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The lowest and the highest value of a pyramid, more or less; None where it holds none."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class _Kept:
    view: MapView
    until: float
    change_count: int


class KeptViews:
    """What addresses showed a moment ago, to spare the catalogue. For one event loop."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: OrderedDict[Shown, _Kept] = OrderedDict()

    @property
    def change_count(self) -> int:
        """To be read before what is to be kept is looked up: what changes meanwhile may be missing in it."""
        return self._house.database.change_count

    def find(self, shown: Shown) -> MapView | None:
        """What an address showed, if that is not known to have changed."""
        kept = self._kept.get(shown)
        if kept is None or monotonic() > kept.until:
            return None
        is_same = shown.is_pinned or kept.change_count == self.change_count
        return kept.view if is_same else None

    def keep(self, shown: Shown, view: MapView, change_count: int) -> None:
        """Have the next ones find it."""
        self._kept.pop(shown, None)
        until = monotonic() + (PINNED_S if shown.is_pinned else CURRENT_S)
        self._kept[shown] = _Kept(view, until, change_count)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def forget(self, shown: Shown) -> None:
        """Have the next one ask the catalogue."""
        self._kept.pop(shown, None)


class MapReader:
    """Reads map tiles. May be used by many threads."""

    def __init__(self, pyramids: OpenPyramids) -> None:
        self._pyramids = pyramids
        self._ready: OrderedDict[str, _Ready] = OrderedDict()
        self._lock = Lock()
        self._sizes = lru_cache(maxsize=KEPT_SIZES)(self._measure)

    def read(self, generation: Generation, asked: TileAsked) -> MapTile:
        """A map tile. Blocks.

        Raises
        ------
        MatrixSetNotFound, MapTileNotFound, TerrainNotOnMap
        PyramidCorrupt
            The catalogue then knows it, too, and the next request builds anew.
        StoreUnavailable
        """
        with self._pyramids.reading(generation) as stored:
            return read_map_tile(self._prepare(generation, stored).pyramid, asked)

    def range_of(self, generation: Generation) -> ValueRange:
        """The lowest and the highest value of a generation, kept once they were read. Blocks.

        Raises
        ------
        PyramidCorrupt, StoreUnavailable
        """
        with self._pyramids.reading(generation) as stored:
            ready = self._prepare(generation, stored)
            if ready.range is None:
                ready.range = _read_range(stored, ready.pyramid.cell_type)
            return ready.range

    def measure(self, grid: Grid) -> CellSizes:
        """True size on the ground of a map tile's cells, kept for those of the same rows."""
        return self._sizes(of_same_rows(grid))

    def _measure(self, grid: Grid) -> CellSizes:
        return measure_cells(grid)

    def _prepare(self, generation: Generation, stored: StoredPyramid) -> _Ready:
        """What is kept of a generation, by its id: its nodata may be NaN, which equals no other one."""
        with self._lock:
            ready = self._ready.get(generation.id)
            if ready is None:
                chunks, cell_type = self._pyramids.chunks_of(stored), cell_type_of(generation)
                ready = self._ready[generation.id] = _Ready(MappedPyramid(chunks, cell_type))
            self._ready.move_to_end(generation.id)
            while len(self._ready) > KEPT:
                self._ready.popitem(last=False)
            return ready


@dataclass(slots=True)
class _Ready:
    pyramid: MappedPyramid
    range: ValueRange | None = None


def _read_range(stored: StoredPyramid, cell_type: CellType) -> ValueRange:
    levels = range(stored.grid.level_count)
    level = next(each for each in levels if stored.grid.level(each).cell_count <= RANGE_CELLS)
    cells = stored.read_window(level, stored.grid.level(level).window)
    valid = cells[cell_type.valid(cells)]
    if not valid.size:
        return ValueRange(None, None)
    return ValueRange(float(valid.min()), float(valid.max()))
