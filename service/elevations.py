"""The use-case behind values at points: where clients' coordinates lie, and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from catalog.models import Generation, Terrain
from raster.crs import LONLAT, are_connected
from raster.places import Ground, Places, ground_of_lonlat, places_on
from raster.points import Interpolation, PointValues, read_points
from service.errors import ParameterInvalid
from service.open_pyramids import OpenPyramids
from service.tally import VALUES
from service.terrain_grids import cell_type_of, grid_of
from service.value_errors import PlaceUnknown


class Axes(StrEnum):
    """What the two numbers of a point are."""

    LONLAT = "lonlat"
    XY = "xy"
    ROWCOL = "rowcol"


NAMES = {Axes.LONLAT: ("lon", "lat"), Axes.XY: ("x", "y"), Axes.ROWCOL: ("row", "col")}
"""How requests and answers call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsAsked:
    """Points as a client names them: (points,) each, in the order of `NAMES`."""

    axes: Axes
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    @classmethod
    def of(cls, axes: Axes, pairs: Sequence[tuple[float, float]]) -> PointsAsked:
        both = np.array(pairs, np.float64).reshape(-1, 2)
        return cls(axes=axes, first=both[:, 0], second=both[:, 1])


def choose_axes(given: dict[str, float | None]) -> PointsAsked:
    """The one point that parameters name.

    Parameters
    ----------
    given : lon, lat, x, y, row, col -> value
        None for those that were not given.

    Raises
    ------
    ParameterInvalid
        One of a pair is missing, or there are several pairs, or none.
    """
    known = {name: value for name, value in given.items() if value is not None}
    chosen = [axes for axes, pair in NAMES.items() if known.keys() & set(pair)]
    if not chosen:
        raise ParameterInvalid("lon", "name a point by lon and lat, by x and y, or by row and col")
    if len(chosen) > 1:
        others = ", ".join(name for name in known if name not in NAMES[chosen[0]])
        raise ParameterInvalid(others, f"the point is named by {' and '.join(NAMES[chosen[0]])} already")
    first, second = NAMES[chosen[0]]
    for missing, there in ((first, second), (second, first)):
        if missing not in known:
            raise ParameterInvalid(missing, f"{first} and {second} go together; only {there} was given")
    return PointsAsked.of(chosen[0], [(known[first], known[second])])


def find_places(terrain: Terrain, generation: Generation, asked: PointsAsked) -> Places:
    """Where points lie in level 0 of a generation. Whole rows and columns are the cells' centres.

    Raises
    ------
    PlaceUnknown
        Longitudes and latitudes, and the terrain has no CRS, or none that they lead to.
    """
    if asked.axes is Axes.ROWCOL:
        return Places(asked.first + 0.5, asked.second + 0.5)
    grid, ground = grid_of(generation), Ground(asked.first, asked.second)
    if asked.axes is Axes.LONLAT:
        if grid.crs is None or not are_connected(LONLAT, grid.crs):
            raise PlaceUnknown(terrain.name)
        ground = ground_of_lonlat(ground, grid.crs)
    return places_on(grid, ground)


def read_values(
    pyramids: OpenPyramids, generation: Generation, places: Places, interpolation: Interpolation
) -> PointValues:
    """Values at places in level 0.

    Raises
    ------
    PyramidCorrupt, StoreUnavailable
    """
    with pyramids.reading(generation) as pyramid:
        found = read_points(pyramid.open_chunks(0), cell_type_of(generation), places, interpolation)
    pyramids.tally.add(VALUES, "points", len(found.values))
    pyramids.tally.add(VALUES, "chunks", found.chunk_count)
    return found
