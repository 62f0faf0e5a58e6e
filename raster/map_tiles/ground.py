"""From the ground of a tile matrix set to the cells of a terrain, both ways round the globe."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from raster.crs import parse_crs, same_crs, transformation, turn_of
from raster.grid import Extent, Grid

Floats = NDArray[np.float64]

SAMPLES = 65
"""Points a side that tell where a terrain lies on a map."""

CYLINDRICAL = ("mercator", "equidistant cylindrical", "plate carree", "cylindrical equal area", "miller")
"""Projections whose x repeat themselves around the globe; transverse and oblique Mercators' do not."""


@dataclass(frozen=True, slots=True)
class CellFinder:
    """Finds the cells of level 0 that lie under points of a map's CRS.

    Attributes
    ----------
    turn : float or None
        Columns once around the globe, where a terrain's columns repeat themselves: in degrees, or on a
        cylinder.
    extent : Extent or None
        Where the terrain lies on the map, with a margin; None where that cannot be told.
    """

    map_crs: str
    grid: Grid
    turn: float | None = None
    extent: Extent | None = None
    is_same_crs: bool = field(default=False)

    def find(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Columns and rows of points, with fractions; not finite where PROJ has no answer.

        Of columns that repeat themselves any one may be given.
        """
        if not self.is_same_crs and self.grid.crs is not None:
            x, y = transformation(self.map_crs, self.grid.crs).transform(x, y)
        ground = self.grid.transform
        return (np.asarray(x) - ground.c) / ground.a, (np.asarray(y) - ground.f) / ground.e


def make_finder(map_crs: str, grid: Grid) -> CellFinder:
    """The finder of a terrain's cells on maps of a CRS; `grid` is level 0 and has a CRS."""
    crs = str(grid.crs)
    is_same = same_crs(map_crs, crs)
    turn = around_globe(crs)
    return CellFinder(
        map_crs=map_crs,
        grid=grid,
        turn=None if turn is None else turn / abs(grid.transform.a),
        extent=_extent_on_map(map_crs, grid),
        is_same_crs=is_same,
    )


@lru_cache(maxsize=256)
def around_globe(crs: str) -> float | None:
    """x once around the globe, in units of the CRS; None where x do not repeat themselves."""
    parsed = parse_crs(crs)
    if parsed.is_geographic:
        return turn_of(crs)
    operation = parsed.coordinate_operation
    name = "" if operation is None else operation.method_name.lower()
    is_turned = any(word in name for word in ("transverse", "oblique", "space"))
    if is_turned or not any(word in name for word in CYLINDRICAL):
        return None
    inverse = Transformer.from_crs(parsed, parsed.geodetic_crs, always_xy=True)
    west, east = inverse.transform([-1e6, 1e6], [0.0, 0.0])[0]
    degrees = (east - west) % 360
    return 2e6 * 360 / degrees if math.isfinite(degrees) and degrees > 0 else None


def samples_on(map_crs: str, grid: Grid, count: int) -> tuple[Floats, Floats]:
    """So many points a side of a terrain, its corners among them, on a map; (count, count) each."""
    ground = grid.extent
    x, y = np.meshgrid(
        np.linspace(ground.left, ground.right, count), np.linspace(ground.top, ground.bottom, count)
    )
    return moved_to(map_crs, grid, x, y)


def moved_to(map_crs: str, grid: Grid, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points on a terrain's ground on a map; not finite where PROJ has no answer."""
    crs = str(grid.crs)
    if same_crs(map_crs, crs):
        return x, y
    moved_x, moved_y = transformation(crs, map_crs).transform(x, y)
    return np.asarray(moved_x), np.asarray(moved_y)


def _extent_on_map(map_crs: str, grid: Grid) -> Extent | None:
    """Around the terrain on the map, a sample's distance wider; None where it is torn or has no end there."""
    x, y = samples_on(map_crs, grid, SAMPLES)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    margins = [max(float(np.abs(np.diff(each, axis=axis)).max()) for axis in (0, 1)) for each in (x, y)]
    turn = around_globe(map_crs)
    if turn is not None and (margins[0] > turn / 8 or float(np.abs(x).max()) + margins[0] > turn / 2):
        # what reaches the map's edge is also seen beyond the other one
        return None
    return Extent(
        float(x.min()) - margins[0],
        float(y.min()) - margins[1],
        float(x.max()) + margins[0],
        float(y.max()) + margins[1],
    )
