"""Where points lie in a grid: from degrees and from the ground to cells, and back.

Places are in cells, as fractions: cell (r, c) holds [r, r + 1) x [c, c + 1), its centre is
(r + 0.5, c + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raster.crs import LONLAT, transformation, turn_of
from raster.grid import Grid

Coordinates = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Places:
    """Points in cells of a grid, (points,) each; what is not finite lies nowhere."""

    rows: Coordinates
    cols: Coordinates


@dataclass(frozen=True, slots=True)
class Ground:
    """Points on the ground of a CRS, (points,) each, x before y whatever the CRS says."""

    xs: Coordinates
    ys: Coordinates


def ground_of_lonlat(lonlat: Ground, crs: str) -> Ground:
    """Points in WGS 84 degrees, longitudes as xs, on the ground of a CRS; infinite where PROJ cannot tell."""
    xs, ys = transformation(LONLAT, crs).transform(lonlat.xs, lonlat.ys)
    return Ground(np.asarray(xs), np.asarray(ys))


def lonlat_of_ground(ground: Ground, crs: str) -> Ground:
    """The reverse of `ground_of_lonlat`."""
    lons, lats = transformation(LONLAT, crs).transform(ground.xs, ground.ys, direction="INVERSE")
    return Ground(np.asarray(lons), np.asarray(lats))


def places_on(grid: Grid, ground: Ground) -> Places:
    """Where points on the grid's ground lie in it.

    In a geographic CRS a longitude is the same a turn further on: the one nearest to the grid's
    middle is taken, so a grid may lie across the antimeridian.
    """
    xs, turn = ground.xs, None if grid.crs is None else turn_of(grid.crs)
    if turn is not None:
        extent = grid.extent
        middle = (extent.left + extent.right) / 2
        with np.errstate(over="ignore", invalid="ignore"):  # far out, and nowhere
            xs = xs - np.round((xs - middle) / turn) * turn
    to_cells = ~grid.transform
    with np.errstate(over="ignore", invalid="ignore"):
        return Places(rows=to_cells.e * ground.ys + to_cells.f, cols=to_cells.a * xs + to_cells.c)


def ground_on(grid: Grid, places: Places) -> Ground:
    """The reverse of `places_on`."""
    t = grid.transform
    with np.errstate(over="ignore", invalid="ignore"):
        return Ground(xs=t.a * places.cols + t.c, ys=t.e * places.rows + t.f)
