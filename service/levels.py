"""The use-case behind a zoom level: which cells are asked for, which generation has them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from catalog.models import Generation
from raster.box_errors import BoxOutside, BoxSplit
from raster.cells import Cells
from raster.errors import GridInvalid, LevelNotFound, WindowOutOfBounds, WindowTooLarge
from raster.grid import Grid, Window
from service.cold_rule import Standing, find_standing
from service.house import House
from service.open_pyramids import OpenPyramids
from service.pyramid_states import State
from service.terrain_grids import get_grid, grid_of
from service.windows import Asked, Placed

KEPT_CELLS = 2**22
"""Of the chunks that a window touches, to be kept decoded: more would push out those of many others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelWindow:
    """Which cells answer the request: one window of one level of one generation."""

    generation: Generation
    state: State
    level: int
    window: Window
    level_grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Located(Standing):
    """A valid request, and how the pyramid stands that it is about."""

    asked: Asked
    resolved: LevelWindow | None
    """The window of the generation; None when there is none, or a stale one does not have it."""


class LevelReader:
    """Finds and reads windows of levels."""

    def __init__(self, house: House, pyramids: OpenPyramids) -> None:
        self._house = house
        self._pyramids = pyramids

    def locate(self, terrain_key: int | str, metric: str, asked: Asked) -> Located:
        """Check a request against the terrain as it is now; reads the catalogue only.

        Raises
        ------
        TerrainNotFound, MetricNotFound, TerrainEmpty, LevelNotFound, WindowOutOfBounds, WindowTooLarge
        BoxOutside, BoxSplit, GridInvalid
        """
        standing = find_standing(self._house, terrain_key, metric)
        grid = get_grid(standing.terrain)
        placed = self._place(grid, asked)
        return Located(
            asked=asked,
            resolved=self._resolve(standing, asked, grid, placed),
            **{each.name: getattr(standing, each.name) for each in fields(Standing)},
        )

    def _place(self, grid: Grid, asked: Asked) -> Placed:
        limit = self._house.settings.max_answer_cells
        placed = asked.place(grid, limit)
        if placed.window.cell_count > limit:
            levels = range(grid.level_count)
            finest = next(level for level in levels if grid.level(level).cell_count <= limit)
            raise WindowTooLarge(placed.window.cell_count, limit, finest)
        return placed

    def _resolve(self, standing: Standing, asked: Asked, now: Grid, placed: Placed) -> LevelWindow | None:
        """The window of the generation, which is `placed` where its grid is the terrain's `now`.

        A stale one is of the terrain as it was: what is asked for may lie outside it, or be too
        much of it.
        """
        generation = standing.generation
        if generation is None:
            return None
        grid = grid_of(generation)
        try:
            placed = placed if grid == now else self._place(grid, asked)
        except (LevelNotFound, WindowOutOfBounds, WindowTooLarge, BoxOutside, BoxSplit, GridInvalid):
            return None
        return LevelWindow(
            generation=generation,
            state=State.READY if standing.is_fresh else State.STALE,
            level=placed.level,
            window=placed.window,
            level_grid=grid.level(placed.level),
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
        with self._pyramids.reading(resolved.generation) as pyramid:
            chunks = self._pyramids.chunks_of(pyramid)
            is_small = chunks.count_around(resolved.level, resolved.window) <= KEPT_CELLS
            return (chunks if is_small else pyramid).read_window(resolved.level, resolved.window)
