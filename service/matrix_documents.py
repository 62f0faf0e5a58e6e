"""Tile matrix sets as documents: the registered ones, and the one that a pyramid's levels are."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import morecantile

from raster.crs import is_y_first, parse_crs
from raster.grid import Grid
from raster.map_tiles.coverage import native_coverage
from raster.map_tiles.matrices import NATIVE, SIDE, get_matrix_set, known_matrix_sets
from service.crs_names import crs_member
from service.map_schemas import (
    LinkBody,
    MatrixSetBody,
    MatrixSetItemBody,
    MatrixSetListBody,
    TileMatrixBody,
)

PIXEL_M = 0.00028
"""Side of a pixel, by which the standard defines scales."""

EARTH_M = 6378137.0
"""Radius that turns degrees into metres there."""


def matrix_set_list(base: str) -> MatrixSetListBody:
    """All registered sets; `base` is the address of the service, with a slash at its end."""
    return MatrixSetListBody(tile_matrix_sets=[_item(name, base) for name in known_matrix_sets()])


def _item(name: str, base: str) -> MatrixSetItemBody:
    body = registered_matrix_set(name)
    link = LinkBody(
        rel="self", href=matrix_set_address(name, base), type="application/json", title=body.title
    )
    return MatrixSetItemBody(id=body.id, title=body.title, uri=body.uri, crs=body.crs, links=[link])


def matrix_set_address(name: str, base: str) -> str:
    """Where a registered set is told of."""
    return f"{base}tileMatrixSets/{name}"


@lru_cache(maxsize=64)
def registered_matrix_set(name: str) -> MatrixSetBody:
    """A registered set as its register has it.

    Raises
    ------
    MatrixSetNotFound
    """
    crs = get_matrix_set(name).crs
    told: dict[str, Any] = morecantile.tms.get(name).model_dump(mode="json", exclude_none=True)
    # some are told with URNs there
    return MatrixSetBody.model_validate({**told, "crs": crs_member(crs)})


def native_matrix_set(grid: Grid) -> MatrixSetBody:
    """The levels of a pyramid as a tile matrix set, from the coarsest; `grid` is level 0."""
    metres = _metres_per_unit(grid.crs)
    swap = grid.crs is not None and is_y_first(grid.crs)  # the standard has the order of the CRS
    matrices = []
    for limits in native_coverage(grid).limits:
        level = grid.level(grid.level_count - 1 - limits.z)
        width, height = level.transform.a, -level.transform.e
        left, top = level.transform.c, level.transform.f
        matrices.append(
            TileMatrixBody(
                id=str(limits.z),
                scale_denominator=width * metres / PIXEL_M,
                cell_size=width,
                cell_height=None if width == height else height,
                point_of_origin=[top, left] if swap else [left, top],
                tile_width=SIDE,
                tile_height=SIDE,
                matrix_width=limits.max_col + 1,
                matrix_height=limits.max_row + 1,
            )
        )
    return MatrixSetBody(
        id=NATIVE, title="The pyramid's own levels", crs=crs_member(grid.crs), tile_matrices=matrices
    )


def _metres_per_unit(crs: str | None) -> float:
    """Metres on the ground in a unit of the CRS, at the equator for degrees; 1 where there is no ground."""
    if crs is None:
        return 1.0
    axis = parse_crs(crs).axis_info[0]
    factor = float(axis.unit_conversion_factor)
    return factor * EARTH_M if parse_crs(crs).is_geographic else factor if math.isfinite(factor) else 1.0
