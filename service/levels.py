"""The use-case behind a zoom level: which cells are asked for, which generation has them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from catalog.models import Generation, Pyramid, Terrain
from catalog.repository import pyramids, terrains
from raster.cells import Cells
from raster.errors import LevelNotFound, PyramidCorrupt, WindowOutOfBounds, WindowTooLarge
from raster.grid import Grid, Window
from raster.window import StoredPyramid
from service.build_turns import find_live
from service.corruption import mark_corrupt
from service.errors import StoreUnavailable
from service.house import House
from service.on_missing import OnMissing
from service.ordered_builds import Order
from service.pyramid_states import State
from service.storing import reporting_store
from service.tally import STORE_READS
from service.terrain_grids import get_grid, grid_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAsked:
    """A window of a level as a client asks for it; None: from the first cell, to the last."""

    level: int
    row: int | None = None
    col: int | None = None
    height: int | None = None
    width: int | None = None

    def of(self, grid: Grid) -> Window:
        """The window in the level of `grid` it names.

        Raises
        ------
        LevelNotFound, WindowOutOfBounds
        """
        level = grid.level(self.level)
        row, col = self.row or 0, self.col or 0
        height = level.height - row if self.height is None else self.height
        width = level.width - col if self.width is None else self.width
        if height < 1 or width < 1:
            asked = f"row={row} col={col} height={height} width={width}"
            raise WindowOutOfBounds(asked, level.height, level.width)
        window = Window(row=row, col=col, height=height, width=width)
        level.part(window)
        return window


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A valid request: the terrain, and the generation that may answer it (None: none yet)."""

    terrain: Terrain
    metric: str
    asked: WindowAsked
    generation: Generation | None
    is_fresh: bool
    is_corrupt: bool
    is_being_built: bool
    order: Order
    """How to have it built, when that is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelWindow:
    """Which cells answer the request: one window of one level of one generation."""

    generation: Generation
    state: State
    level: int
    window: Window
    level_grid: Grid


class LevelReader:
    """Finds and reads windows of levels; keeps the pyramids it read open, since they never change."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._open = lru_cache(maxsize=64)(StoredPyramid)

    def locate(self, terrain_key: int | str, metric: str, asked: WindowAsked) -> Located:
        """Check a request against the terrain as it is now; reads the catalogue only.

        Raises
        ------
        TerrainNotFound, MetricNotFound, TerrainEmpty, LevelNotFound, WindowOutOfBounds, WindowTooLarge
        """
        self._house.metrics.get(metric)
        with self._house.database.read() as session:
            terrain = terrains.get_terrain(session, terrain_key)
            pyramid = pyramids.find_pyramid(session, terrain.id, metric)
            usable = None if pyramid is None or pyramid.corrupt else pyramid.generation
            is_fresh = usable is not None and usable.revision == terrain.revision
            live = None if is_fresh else find_live(session, terrain, metric)
        grid = get_grid(terrain)
        self._check_size(grid, asked.of(grid))
        return Located(
            terrain=terrain,
            metric=metric,
            asked=asked,
            generation=usable,
            is_fresh=is_fresh,
            is_corrupt=pyramid is not None and pyramid.corrupt,
            is_being_built=live is not None,
            order=Order(on_missing=_again(terrain, pyramid), takes_any=True),
        )

    def _check_size(self, grid: Grid, window: Window) -> None:
        limit = self._house.settings.max_answer_cells
        if window.cell_count > limit:
            levels = range(grid.level_count)
            finest = next(level for level in levels if grid.level(level).cell_count <= limit)
            raise WindowTooLarge(window.cell_count, limit, finest)

    def resolve(self, located: Located) -> LevelWindow | None:
        """The window of the located generation; None when there is none, or a stale one does not have it.

        A stale one is of the terrain as it was: what is asked for may lie outside it, or be too
        much of it.
        """
        generation = located.generation
        if generation is None:
            return None
        grid = grid_of(generation)
        try:
            window = located.asked.of(grid)
            self._check_size(grid, window)
        except (LevelNotFound, WindowOutOfBounds, WindowTooLarge):
            return None
        level = located.asked.level % grid.level_count
        return LevelWindow(
            generation=generation,
            state=State.READY if located.is_fresh else State.STALE,
            level=level,
            window=window,
            level_grid=grid.level(level),
        )

    def read(self, resolved: LevelWindow) -> Cells:
        """The window's cells from the store.

        Raises
        ------
        PyramidCorrupt
            The catalogue then knows it, too, and the next request builds anew.
        StoreUnavailable
            The store cannot be read now, which says nothing about the pyramid.
        """
        generation = resolved.generation
        root = self._house.pyramid_root(generation.href)
        pyramid = self._open(root, grid_of(generation), generation.manifest_sha256)
        try:
            with reporting_store():
                cells = pyramid.read_window(resolved.level, resolved.window)
        except PyramidCorrupt:
            mark_corrupt(self._house, generation)
            raise
        except StoreUnavailable:
            self._house.tally.add(STORE_READS, "unavailable")
            raise
        self._house.tally.add(STORE_READS, "read")
        return cells


def _again(terrain: Terrain, pyramid: Pyramid | None) -> OnMissing:
    """What a build does about missing tiles: what was built without some is built anew without them."""
    generation = None if pyramid is None else pyramid.generation
    is_current = generation is not None and generation.revision == terrain.revision
    misses_some = generation is not None and generation.missing_tile_count > 0
    return OnMissing.MASK if is_current and misses_some else OnMissing.FAIL
