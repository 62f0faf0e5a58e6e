"""What a map tile is sent as: values, or a picture in a style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from catalog.models import Generation
from raster.geotiff import encode_geotiff
from raster.map_tiles.reading import MapTile, Smooth, TileAsked
from service.encoding import MEDIA_TYPES, encode_npy
from service.map_tiles import MapReader
from service.rendering.heights import Heights
from service.rendering.images import PICTURE_TYPES
from service.rendering.pictures import check_unit, render, render_blank
from service.rendering.styles import Ramp, Style

MAP_TYPES: Mapping[str, str] = {"npy": MEDIA_TYPES["npy"], "tif": MEDIA_TYPES["tif"], **PICTURE_TYPES}


def make_tile(
    maps: MapReader, generation: Generation, asked: TileAsked, style: Style | None, form: str
) -> bytes:
    """The content of a map tile's answer: a picture in a style, or, without one, values. Blocks.

    Raises
    ------
    MatrixSetNotFound, MapTileNotFound, TerrainNotOnMap
    HeightUnitUnknown
    PyramidCorrupt, StoreUnavailable
    """
    if style is None:
        return _encode(maps, generation, asked, form)
    return _draw(maps, generation, asked, style, form)


def _encode(maps: MapReader, generation: Generation, asked: TileAsked, form: str) -> bytes:
    read = maps.read(generation, asked)
    if form == "npy":
        return encode_npy(read.values)
    return encode_geotiff(read.values, read.grid, generation.nodata, valid=read.valid, unit=generation.unit)


def _draw(maps: MapReader, generation: Generation, asked: TileAsked, style: Style, form: str) -> bytes:
    check_unit(style, generation.unit)  # of blank tiles, too
    read = maps.read(
        generation, replace(asked, halo=style.halo, smooth=_smoothness(style, generation.metric))
    )
    if not read.valid.any():
        return render_blank(style, asked.side, form)
    return render(style, _heights(maps, generation, style, read), form)


def _smoothness(style: Style, metric: str) -> Smooth:
    """A mean is a sample of a surface at every level, anything else at the native one alone."""
    if not style.smooth:
        return "never"
    return "always" if metric == "mean" else "natively"


def _heights(maps: MapReader, generation: Generation, style: Style, read: MapTile) -> Heights:
    is_plain = isinstance(style, Ramp) and style.rescale is None
    ends = maps.range_of(generation) if is_plain else None
    sizes = maps.measure(read.grid) if style.halo else None
    return Heights(
        values=read.values.astype(np.promote_types(read.values.dtype, np.float32), copy=False),
        valid=read.valid,
        cell_height_m=1.0 if sizes is None else sizes.heights,
        cell_width_m=1.0 if sizes is None else sizes.widths,
        low=None if ends is None else ends.low,
        high=None if ends is None else ends.high,
        unit=generation.unit,
    )
