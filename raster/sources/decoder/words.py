"""Facts of a source as words of a message, and back: there nothing is believed that could not be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from affine import Affine

from raster.cells import SOURCE_DTYPES, CellEncoding
from raster.crs import canonical_crs
from raster.errors import GridInvalid
from raster.sources.ranges import SourceIdentity
from raster.sources.source import LONGEST_SIDE, SourceInfo


def words_of_info(info: SourceInfo) -> dict[str, Any]:
    """Facts of a source, apart from its identity."""
    encoding = info.encoding
    return {
        "height": info.height,
        "width": info.width,
        "dtype": encoding.dtype,
        "nodata": encoding.nodata,
        "scale": encoding.scale,
        "offset": encoding.offset,
        "transform": None if info.transform is None else list(info.transform[:6]),
        "crs": info.crs,
        "south_up": info.south_up,
        "block": [info.block_height, info.block_width],
    }


def info_of_words(words: Mapping[str, Any], identity: SourceIdentity) -> SourceInfo:
    """Facts of a source.

    Raises
    ------
    ValueError
        Something in them cannot be.
    """
    try:
        return _info(words, identity)
    except (KeyError, TypeError, GridInvalid) as error:
        raise ValueError(str(error)) from error


def _info(words: Mapping[str, Any], identity: SourceIdentity) -> SourceInfo:
    height, width, (block_height, block_width) = words["height"], words["width"], words["block"]
    nodata, numbers, crs = words["nodata"], words["transform"], words["crs"]
    sides = (height, width, block_height, block_width)
    if not all(type(side) is int and 1 <= side <= LONGEST_SIDE for side in sides):
        raise ValueError("sides")
    if words["dtype"] not in SOURCE_DTYPES or not (nodata is None or type(nodata) in {int, float}):
        raise ValueError("encoding")
    scale, offset = float(words["scale"]), float(words["offset"])
    if numbers is not None and (len(numbers) != 6 or not all(math.isfinite(number) for number in numbers)):
        raise ValueError("transform")
    return SourceInfo(
        height=height,
        width=width,
        encoding=CellEncoding(words["dtype"], nodata, scale, offset),
        transform=None if numbers is None else Affine(*numbers),
        crs=None if crs is None else canonical_crs(str(crs)),
        south_up=words["south_up"] is True,
        identity=identity,
        block_height=block_height,
        block_width=block_width,
    )
