"""Styles as addresses spell them: a name, then any of its parameters as `;key=value`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.numbers import read_number
from service.rendering.errors import StyleParameterInvalid, StyleUnknown
from service.rendering.height_codes import CODES
from service.rendering.ramps import RAMPS
from service.rendering.styles import HeightCode, Hillshade, Ramp, Rescale, Slope, Style, number

DEFAULT_STYLE: Style = Ramp(name="viridis")
"""The same order of lightness as of heights, for any metric and any eye."""

STYLES = (*RAMPS, "hillshade", "slope", *CODES)

Reader = Callable[[str], Any]


def parse_style(text: str | None) -> Style:
    """The style that an address names; without one the default.

    Parameters
    ----------
    text : str | None
        E.g. "hillshade", "viridis;rescale=0,4000", "terrain-rgb;border=1;nodata_height=-9999".

    Raises
    ------
    StyleUnknown
        There is none of this name.
    StyleParameterInvalid
        A parameter is unknown, given twice, or has a value that cannot be honoured.
    """
    if text is None:
        return DEFAULT_STYLE
    name, *words = text.split(";")
    if name not in STYLES:
        raise StyleUnknown(name[:100], STYLES)
    readers = _readers(name)
    given: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in readers:
            raise StyleParameterInvalid(
                name, key[:100], f"no such parameter; there are {', '.join(parameters_of(name))}"
            )
        if key in given:
            raise StyleParameterInvalid(name, key, "given twice; give it once")
        try:
            given[key] = readers[key](value)
        except ValueError as error:
            raise StyleParameterInvalid(name, key, str(error)) from error
    return _style(name, given)


def parameters_of(name: str) -> tuple[str, ...]:
    """The parameters that a style takes."""
    return tuple(_readers(name))


def _style(name: str, given: Mapping[str, Any]) -> Style:
    if name == "hillshade":
        return Hillshade(**given)
    if name == "slope":
        return Slope(**given)
    if name in RAMPS:
        return Ramp(name=name, **given)
    return HeightCode(name="terrarium" if name == "terrarium" else "terrain-rgb", **given)


def _readers(name: str) -> Mapping[str, Reader]:
    """The parameters of a style, and what reads each."""
    if name == "hillshade":
        return {
            "azimuth": _Number(0, 360),
            "altitude": _Number(0, 90),
            "exaggeration": _Number(0.001, 1000),
        }
    if name in CODES:
        code = CODES[name]
        return {"border": _border, "nodata_height": _Number(code.lowest, code.highest)}
    return {"rescale": _rescale}


@dataclass(frozen=True, slots=True)
class _Number:
    """Reads a number from `low` to `high`."""

    low: float
    high: float

    def __call__(self, text: str) -> float:
        value = read_number(text)
        if not self.low <= value <= self.high:
            raise ValueError(
                f"{text[:40]} is not from {number(float(self.low))} to {number(float(self.high))}"
            )
        return value


def _border(text: str) -> int:
    if text not in {"0", "1"}:
        raise ValueError(f"{text[:40]!r} is not 0 or 1, the cells of the neighbours on each side")
    return int(text)


def _rescale(text: str) -> Rescale:
    ends = text.split(",")
    if len(ends) != 2:
        raise ValueError(f"{text[:40]!r} is not low,high such as 0,4000")
    low, high = map(read_number, ends)
    if low == high or not math.isfinite(high - low):
        raise ValueError(f"{text[:40]} are not two different numbers of a finite distance, such as 0,4000")
    return Rescale(low=low, high=high)
