"""The use-case behind profiles: points along a client's line, and what is at each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.models import Generation, Terrain
from raster.grid import Grid
from raster.places import Coordinates, Ground, Places, ground_on, lonlat_of_ground, places_on
from raster.points import Interpolation, PointValues
from raster.profiles import distance_unit, sample_line
from service.elevations import NAMES, Axes, PointsAsked, find_places, read_values
from service.numbers import read_number
from service.open_pyramids import OpenPyramids
from service.terrain_grids import grid_of
from service.value_answers import list_found
from service.value_errors import LineInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAsked:
    """A line as a client names it, and at how many points of it values are wanted."""

    vertices: PointsAsked
    sample_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Values along a line.

    Attributes
    ----------
    points : PointsAsked
        Where the samples are, named as the line was.
    distances : (samples,) of float64
        From the line's start, in `unit`; None where nothing is known of the ground.
    found : PointValues
    """

    points: PointsAsked
    distances: Coordinates
    unit: str | None
    found: PointValues


def parse_line(text: str, axes: Axes) -> PointsAsked:
    """The vertices of `first,second;first,second…`.

    Raises
    ------
    LineInvalid
    """
    pairs = []
    for number, vertex in enumerate(text.split(";")):
        try:
            first, second = map(read_number, vertex.split(","))
        except ValueError as error:
            raise LineInvalid(f"vertex {number}, {vertex[:40]!r}, is not two finite numbers") from error
        if axes is Axes.LONLAT and not (abs(first) <= 360 and abs(second) <= 90):
            raise LineInvalid(f"vertex {number}, {vertex[:40]!r}, is no longitude and latitude")
        pairs.append((first, second))
    if len(pairs) < 2:
        raise LineInvalid("it has one vertex; a line has two or more")
    return PointsAsked.of(axes, pairs)


def read_profile(
    pyramids: OpenPyramids,
    terrain: Terrain,
    generation: Generation,
    asked: LineAsked,
    interpolation: Interpolation,
) -> Profile:
    """Values at points along a line, evenly spaced.

    Raises
    ------
    PlaceUnknown
    LineInvalid
        A vertex has no place in the terrain's CRS, or a sample none in the line's.
    PyramidCorrupt, StoreUnavailable
    """
    grid = grid_of(generation)
    vertices = ground_on(grid, find_places(terrain, generation, asked.vertices))
    nowhere = ~(np.isfinite(vertices.xs) & np.isfinite(vertices.ys))
    if nowhere.any():
        raise LineInvalid(f"vertex {int(np.argmax(nowhere))} has no place in the terrain's CRS")
    samples = sample_line(grid, vertices, asked.sample_count)
    if not np.isfinite(samples.distances).all():
        raise LineInvalid("it leaves the globe, or is longer than any number")
    places = places_on(grid, samples.ground)
    points = _named(grid, places, asked.vertices.axes)
    unnamed = ~(np.isfinite(points.first) & np.isfinite(points.second))
    if unnamed.any():
        names = " and ".join(NAMES[points.axes])
        raise LineInvalid(f"sample {int(np.argmax(unnamed))} has no {names}: the line leaves the CRS's map")
    return Profile(
        points=points,
        distances=samples.distances,
        unit=distance_unit(grid),
        found=read_values(pyramids, generation, places, interpolation),
    )


def _named(grid: Grid, places: Places, axes: Axes) -> PointsAsked:
    """Places as a client names them."""
    if axes is Axes.ROWCOL:
        return PointsAsked(axes=axes, first=places.rows - 0.5, second=places.cols - 0.5)
    ground: Ground = ground_on(grid, places)
    if axes is Axes.LONLAT and grid.crs is not None:
        ground = lonlat_of_ground(ground, grid.crs)
    return PointsAsked(axes=axes, first=ground.xs, second=ground.ys)


def describe_profile(profile: Profile) -> dict[str, Any]:
    """The fields that a `ProfileBody` has beyond an `AnsweringBody`."""
    first, second = NAMES[profile.points.axes]
    columns = (profile.distances, profile.points.first, profile.points.second)
    return {
        "length": float(profile.distances[-1]),
        "distance_unit": profile.unit,
        "samples": [
            {"distance": distance, first: one, second: other, **found}
            for distance, one, other, found in zip(
                *(column.tolist() for column in columns), list_found(profile.found), strict=True
            )
        ],
    }
