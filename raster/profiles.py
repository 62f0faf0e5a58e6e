"""Points along a line on the ground of a grid, evenly spaced.

In a geographic CRS a line runs along geodesics of its ellipsoid and is measured in metres; elsewhere it is
straight on the map, and measured in the units of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyproj import Geod

from raster.crs import parse_crs, turn_of
from raster.grid import Grid
from raster.places import Coordinates, Ground


@dataclass(frozen=True, slots=True)
class Samples:
    """Points along a line: where they are, and how far along it each is."""

    ground: Ground
    distances: Coordinates


def sample_line(grid: Grid, vertices: Ground, count: int) -> Samples:
    """Points along a line, from its first vertex to its last.

    Parameters
    ----------
    grid : Grid
        Whose ground the line lies on.
    vertices : Ground
        At least two, finite.
    count : int
        At least two.

    Returns
    -------
    `count` points, as far apart along the line as each other; a line without length has them all in one
    place. Not finite where the line is longer than any float, or leaves the globe.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _sample(grid, vertices, count)


def _sample(grid: Grid, vertices: Ground, count: int) -> Samples:
    turn = None if grid.crs is None else turn_of(grid.crs)
    if grid.crs is None or turn is None:
        return _straight(vertices, count)
    to_degrees = 360.0 / turn
    degrees = Ground(vertices.xs * to_degrees, vertices.ys * to_degrees)
    geod = parse_crs(grid.crs).get_geod() or Geod(ellps="WGS84")
    along = _geodesic(geod, degrees, count)
    return Samples(Ground(along.ground.xs / to_degrees, along.ground.ys / to_degrees), along.distances)


def distance_unit(grid: Grid) -> str | None:
    """What distances along lines are in, as EPSG calls it; None where nothing is known of the ground."""
    if grid.crs is None:
        return None
    return "metre" if turn_of(grid.crs) is not None else str(parse_crs(grid.crs).axis_info[0].unit_name)


@dataclass(frozen=True, slots=True)
class _Legs:
    """On which leg of the line each sample lies, how far from its start, and how far along the line."""

    numbers: np.ndarray[tuple[int], np.dtype[np.intp]]
    offsets: Coordinates
    distances: Coordinates

    @classmethod
    def of(cls, lengths: Coordinates, count: int) -> _Legs:
        ends = np.cumsum(lengths)
        starts = ends - lengths
        distances = np.linspace(0.0, float(ends[-1]), count)
        # the last leg that begins there: one without length has no samples but at the line's start
        numbers = np.searchsorted(starts, distances, side="right") - 1
        return cls(numbers, np.minimum(distances - starts[numbers], lengths[numbers]), distances)


def _straight(vertices: Ground, count: int) -> Samples:
    right, up = np.diff(vertices.xs), np.diff(vertices.ys)
    lengths = np.hypot(right, up)
    legs = _Legs.of(lengths, count)
    of = lengths[legs.numbers]
    share = np.divide(legs.offsets, of, out=np.zeros_like(of), where=of > 0)
    ground = Ground(
        vertices.xs[legs.numbers] + share * right[legs.numbers],
        vertices.ys[legs.numbers] + share * up[legs.numbers],
    )
    return Samples(ground, legs.distances)


def _geodesic(geod: Geod, vertices: Ground, count: int) -> Samples:
    starts, ends = slice(None, -1), slice(1, None)
    azimuths, _, lengths = geod.inv(
        vertices.xs[starts], vertices.ys[starts], vertices.xs[ends], vertices.ys[ends]
    )
    legs = _Legs.of(np.asarray(lengths), count)
    lons, lats, _ = geod.fwd(
        vertices.xs[legs.numbers],
        vertices.ys[legs.numbers],
        np.asarray(azimuths)[legs.numbers],
        legs.offsets,
    )
    return Samples(Ground(np.asarray(lons), np.asarray(lats)), legs.distances)
