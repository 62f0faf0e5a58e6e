"""True size on the ground of cells: a degree, or a metre of Mercator, is another one in each row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from raster.crs import parse_crs, transformation
from raster.grid import Grid
from raster.map_tiles.ground import around_globe

Floats = NDArray[np.float64]

SAMPLES = 9
"""Rows whose cells are measured; those between them are interpolated."""


@dataclass(frozen=True, slots=True)
class CellSizes:
    """Height and width on the ground of the cells of each row, (rows,) each, in metres."""

    heights: Floats
    widths: Floats


def of_same_rows(grid: Grid) -> Grid:
    """A grid whose cells are as large as those of `grid`: the same one for all columns, where that is so."""
    if grid.crs is None or around_globe(grid.crs) is None:
        return grid
    t = grid.transform
    return replace(grid, transform=Affine(t.a, t.b, 0.0, t.d, t.e, t.f))


def measure_cells(grid: Grid) -> CellSizes:
    """The sizes of a grid's cells, measured on the ellipsoid along its middle column.

    Without a CRS, and where PROJ has no answer, they are those of the transform.
    """
    transform = grid.transform
    plain = CellSizes(np.full(grid.height, abs(transform.e)), np.full(grid.height, abs(transform.a)))
    if grid.crs is None:
        return plain
    rows = np.linspace(0, grid.height, SAMPLES)
    x = transform.c + transform.a * grid.width / 2
    y = transform.f + transform.e * rows
    crs = parse_crs(grid.crs)
    geodetic = crs.geodetic_crs
    if geodetic is None:
        return plain
    to_lonlat = transformation(grid.crs, geodetic.to_wkt()).transform
    half_width, half_height = transform.a / 2, transform.e / 2
    west, east = (to_lonlat(np.full_like(y, x + shift), y) for shift in (-half_width, half_width))
    north, south = (to_lonlat(np.full_like(y, x), y + shift) for shift in (-half_height, half_height))
    if not all(np.isfinite(each).all() for pair in (west, east, north, south) for each in pair):
        return plain
    unit = 1.0 if not geodetic.is_geographic else 180 / np.pi * geodetic.axis_info[0].unit_conversion_factor
    geod = crs.get_geod()
    if geod is None:
        return plain
    lengths = []
    for one, other in ((north, south), (west, east)):
        _, _, length = geod.inv(*(part * unit for part in (*one, *other)))
        lengths.append(np.interp(np.arange(grid.height) + 0.5, rows, length))
    return CellSizes(*lengths)
