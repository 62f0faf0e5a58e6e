"""Which tiles of a matrix set a terrain lies on, and up to which matrix it is finer. Arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from raster.crs import are_connected
from raster.grid import Extent, Grid
from raster.map_tiles.errors import TerrainNotOnMap
from raster.map_tiles.ground import around_globe, moved_to, samples_on
from raster.map_tiles.matrices import NATIVE, SIDE, MatrixSet, TileMatrix, check_connected, get_matrix_set

Floats = NDArray[np.float64]

SAMPLES = 33
"""Points a side that tell where a terrain lies on a map."""

SAME = 1e-6
"""Of a cell: one that is larger by no more than this is as fine as the terrain's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixLimits:
    """The tiles of a matrix that a terrain may lie on; both ends are in."""

    z: int
    min_col: int
    max_col: int
    min_row: int
    max_row: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The limits of each matrix from the coarsest to the first that is as fine as the terrain."""

    limits: tuple[MatrixLimits, ...]

    @property
    def min_zoom(self) -> int:
        return self.limits[0].z

    @property
    def max_zoom(self) -> int:
        return self.limits[-1].z


def get_coverage(grid: Grid, name: str) -> Coverage:
    """The tiles of a set, registered or the pyramid's own, that a terrain may lie on; `grid` is level 0.

    Raises
    ------
    MatrixSetNotFound
    TerrainNotOnMap
        It has no CRS, or lies beyond the set's matrices.
    """
    if name == NATIVE:
        return native_coverage(grid)
    matrix_set = get_matrix_set(name)
    check_connected(grid, matrix_set)
    found = find_coverage(grid, name)
    if found is None:
        reason = "it lies beyond the edges of that map"
        raise TerrainNotOnMap(matrix_set.name, reason, f"its own matrix, {NATIVE}, holds all of it")
    return found


@lru_cache(maxsize=1024)
def find_coverage(grid: Grid, name: str) -> Coverage | None:
    """The tiles of a registered set that a terrain may lie on; None when it is nowhere on that map.

    A terrain across the edge where the map's left and right meet, such as the antimeridian, has all
    columns: limits are one range.
    """
    matrix_set = get_matrix_set(name)
    if grid.crs is None or not are_connected(grid.crs, matrix_set.crs):
        return None
    extent = _extent_on(matrix_set, grid)
    finest = _cell_on(matrix_set.crs, grid)
    limits = []
    for z, matrix in sorted(matrix_set.matrices.items()):
        found = _limits(z, matrix, extent)
        if found is None:
            return None
        limits.append(found)
        if finest is not None and matrix.tile_width / SIDE <= finest * (1 + SAME):
            break
    return Coverage(tuple(limits))


def native_coverage(grid: Grid) -> Coverage:
    """All tiles of the pyramid's own matrices: one for each level, z counted from the coarsest."""
    limits = []
    for z in range(grid.level_count):
        level = grid.level(grid.level_count - 1 - z)
        cols, rows = math.ceil(level.width / SIDE), math.ceil(level.height / SIDE)
        limits.append(MatrixLimits(z=z, min_col=0, max_col=cols - 1, min_row=0, max_row=rows - 1))
    return Coverage(tuple(limits))


def _limits(z: int, matrix: TileMatrix, extent: Extent | None) -> MatrixLimits | None:
    """The tiles under an extent, all of them under None; None when there are none."""
    if extent is None:
        return MatrixLimits(z=z, min_col=0, max_col=matrix.columns - 1, min_row=0, max_row=matrix.rows - 1)
    left, right = ((x - matrix.left) / matrix.tile_width for x in (extent.left, extent.right))
    top, bottom = ((matrix.top - y) / matrix.tile_height for y in (extent.top, extent.bottom))
    if right <= 0 or bottom <= 0 or left >= matrix.columns or top >= matrix.rows:
        return None
    return MatrixLimits(
        z=z,
        min_col=max(math.floor(left), 0),
        max_col=min(math.ceil(right), matrix.columns) - 1,
        min_row=max(math.floor(top), 0),
        max_row=min(math.ceil(bottom), matrix.rows) - 1,
    )


def _extent_on(matrix_set: MatrixSet, grid: Grid) -> Extent | None:
    """Around the terrain on the map; None where that cannot be told, as at a pole of a Mercator map."""
    x, y = samples_on(matrix_set.crs, grid, SAMPLES)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    coarsest = matrix_set.matrices[min(matrix_set.matrices)]
    left, right = coarsest.left, coarsest.left + coarsest.columns * coarsest.tile_width
    turn = around_globe(matrix_set.crs)
    if turn is not None:
        x -= math.floor((x.min() - left) / turn + SAME) * turn
    # between samples an edge is bent by no more than samples are among each other, and a leap from one
    # side of the map to the other is a bend that takes all columns
    margin_x, margin_y = _bend(x), _bend(y)
    west, east = float(x.min()) - margin_x, float(x.max()) + margin_x
    if turn is not None and east > right + turn * SAME:
        west, east = left, right
    return Extent(west, float(y.min()) - margin_y, east, float(y.max()) + margin_y)


def _bend(values: Floats) -> float:
    return max(float(np.abs(np.diff(values, n=2, axis=axis)).max()) for axis in (0, 1))


def _cell_on(map_crs: str, grid: Grid) -> float | None:
    """How wide the terrain's cells are on the map, in its units, where they are narrowest; None: unknown.

    In the middle of the terrain.
    """
    middle_x, middle_y = grid.transform @ (grid.width / 2, grid.height / 2)
    half_width, half_height = grid.transform.a / 2, grid.transform.e / 2
    x = middle_x + np.array([-half_width, half_width, 0.0, 0.0])
    y = middle_y + np.array([0.0, 0.0, -half_height, half_height])
    moved_x, moved_y = moved_to(map_crs, grid, x, y)
    turn = around_globe(map_crs)
    with np.errstate(invalid="ignore"):  # PROJ's infinity from itself: unknown
        steps = np.array([moved_x[1::2] - moved_x[::2], moved_y[1::2] - moved_y[::2]])
        if turn is not None:
            steps[0] -= np.round(steps[0] / turn) * turn
    sides = np.hypot(*steps)
    narrowest = float(sides.min())
    return narrowest if math.isfinite(narrowest) and narrowest > 0 else None
