"""A window of a level as the content of an answer, and what headers say of it."""

from __future__ import annotations

from typing import Any

from raster.geotiff import encode_geotiff
from service.boxes import name_bbox
from service.encoding import encode_json, encode_npy, json_nodata
from service.generation_headers import generation_headers
from service.grey_pictures import encode_grey
from service.levels import LevelReader, LevelWindow
from service.terrain_grids import cell_type_of


def read_content(levels: LevelReader, resolved: LevelWindow, form: str) -> bytes:
    """The cells in one of the formats; blocks.

    Raises
    ------
    PyramidCorrupt, StoreUnavailable
    """
    cells, generation = levels.read(resolved), resolved.generation
    cell_type = cell_type_of(generation)
    if form == "npy":
        return encode_npy(cells)
    if form == "png":
        return encode_grey(cells, cell_type)
    if form == "tif":
        part = resolved.level_grid.part(resolved.window)
        return encode_geotiff(cells, part, generation.nodata, unit=generation.unit)
    return encode_json(describe_window(resolved), cells, cell_type)


def headers_of_window(resolved: LevelWindow) -> dict[str, str]:
    """What every answer says of a window: which generation it is of, and where it lies."""
    part = resolved.level_grid.part(resolved.window)
    return {
        **generation_headers(resolved.generation, resolved.state),
        **name_bbox(part.extent, part.crs),
    }


def describe_window(resolved: LevelWindow) -> dict[str, Any]:
    """The fields of a `LevelWindowBody` but its values."""
    generation, window, grid = resolved.generation, resolved.window, resolved.level_grid
    part = grid.part(window)
    extent = part.extent
    return {
        "terrain_id": generation.terrain_id,
        "metric": generation.metric,
        "level": resolved.level,
        "level_count": generation.level_count,
        "row": window.row,
        "col": window.col,
        "height": window.height,
        "width": window.width,
        "level_height": grid.height,
        "level_width": grid.width,
        "dtype": generation.dtype,
        "nodata": json_nodata(generation.nodata),
        "unit": generation.unit,
        "crs": generation.crs,
        "transform": list(part.transform[:6]),
        "extent": [extent.left, extent.bottom, extent.right, extent.top],
        "generation": generation.id,
        "state": resolved.state,
        "missing_tile_count": generation.missing_tile_count,
    }
