"""A picture of heights in a style: what map tiles and levels are drawn by."""

from __future__ import annotations

from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from service.errors import FormatNotSupported
from service.rendering.errors import EncodingLossy
from service.rendering.height_codes import blank_heights, encode_heights
from service.rendering.heights import Heights, Values
from service.rendering.images import PICTURE_TYPES, indexed_png, indexed_webp, rgb_png, rgb_webp
from service.rendering.ramps import VALID_COLOURS, palette
from service.rendering.relief import gradient_of, shade_of, slope_of
from service.rendering.styles import HeightCode, Hillshade, Ramp, Rescale, Slope, Style
from service.rendering.units import require_metres

PICTURE_FORMS = tuple(PICTURE_TYPES)

STEEPEST = Rescale(low=0.0, high=90.0)
LIGHT = Rescale(low=0.0, high=1.0)
"""From shadow to ground that faces the light: as gdaldem, 1 to 255."""


def check_form(style: Style, form: str) -> None:
    """Refuse what a picture cannot be written as.

    Raises
    ------
    EncodingLossy
        JPEG would change heights by kilometres.
    FormatNotSupported
    """
    if form in PICTURE_TYPES:
        return
    if style.encoding is not None and form in {"jpg", "jpeg"}:
        raise EncodingLossy(str(style), form, PICTURE_FORMS)
    raise FormatNotSupported(form, PICTURE_FORMS)


def check_unit(style: Style, unit: str | None) -> None:
    """Refuse to encode values of which nobody knows how many metres they are.

    Raises
    ------
    HeightUnitUnknown
    """
    if isinstance(style, HeightCode):
        require_metres(style.name, unit)


def render(style: Style, heights: Heights, form: str) -> bytes:
    """A picture of heights.

    Cells without a value are transparent, or at `nodata_height` in an encoding. Quantised here and
    only here: what is reduced or interpolated are heights, never colours.

    Parameters
    ----------
    heights : Heights
        With a halo of `style.halo` cells, of which only an encoding keeps its border in the picture.
    form : "png" or "webp"

    Raises
    ------
    HeightUnitUnknown
        An encoding of values of which nobody knows how many metres they are.
    EncodingLossy, FormatNotSupported
        Another `form`.
    """
    check_form(style, form)
    # cells without a value may hold anything, and heights of 1e38 have a colour, too
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if isinstance(style, HeightCode):
            return _coloured(encode_heights(style, heights), form)
        inner = (slice(style.halo, -style.halo or None),) * 2
        scaled, ends, ramp = _scaled(style, heights)
        indices = _indices(scaled, heights.valid[inner], ends)
    return _indexed(indices, ramp, form)


def render_blank(style: Style, side: int, form: str) -> bytes:
    """The picture of `side` x `side` cells without a value, and a style's border around."""
    check_form(style, form)
    if isinstance(style, HeightCode):
        return _coloured(blank_heights(style, side), form)
    return _indexed(np.zeros((side, side), dtype=np.uint8), "grey", form)


def _scaled(style: Ramp | Hillshade | Slope, heights: Heights) -> tuple[Values, Rescale | None, str]:
    """What is coloured, the values at the ends of the ramp (None: there are none), the ramp's name."""
    match style:
        case Ramp():
            return heights.values, style.rescale or _own_range(heights), style.name
        case Slope():
            return slope_of(gradient_of(heights)), style.rescale or STEEPEST, "slope"
        case Hillshade():
            shade = shade_of(gradient_of(heights, style.exaggeration), style)
            return shade, LIGHT, "grey"
        case _:
            assert_never(style)


def _own_range(heights: Heights) -> Rescale | None:
    if heights.low is None or heights.high is None:
        return None
    return Rescale(low=heights.low, high=heights.high)


def _indices(values: NDArray[Any], valid: NDArray[np.bool_], ends: Rescale | None) -> NDArray[np.uint8]:
    """Indices into a ramp's palette: 1 to 255, and 0 where not valid."""
    if ends is None:
        return np.zeros(valid.shape, dtype=np.uint8)
    steps = VALID_COLOURS - 1
    if ends.low == ends.high:  # a flat terrain is all middle
        places = np.full(valid.shape, steps / 2)
    else:
        places = (values - ends.low) * (steps / (ends.high - ends.low))
    places += 1.5
    # these two pass over NaN, which stands in cells without a value
    np.fmax(places, 1, out=places)
    np.fmin(places, VALID_COLOURS, out=places)
    indices = places.astype(np.uint8)
    if not valid.all():
        indices[~valid] = 0
    return indices


def _indexed(indices: NDArray[np.uint8], ramp: str, form: str) -> bytes:
    write = indexed_png if form == "png" else indexed_webp
    return write(indices, palette(ramp))


def _coloured(colours: NDArray[np.uint8], form: str) -> bytes:
    return rgb_png(colours) if form == "png" else rgb_webp(colours)
