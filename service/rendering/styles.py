"""Styles: what a picture shows of heights, and the words in an address that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Encoding = Literal["mapbox", "terrarium"]
"""As MapLibre and TileJSON call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescale:
    """The values at the two ends of a ramp; `low` above `high` turns it around."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.low)},{number(self.high)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """A colour for each value. Without `rescale`: over the generation's own range."""

    name: str
    rescale: Rescale | None = None

    halo: ClassVar[int] = 0
    smooth: ClassVar[bool] = False
    encoding: ClassVar[Encoding | None] = None

    def __str__(self) -> str:
        return _spelled(self.name, rescale=self.rescale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hillshade:
    """Light from `azimuth` (degrees, clockwise from north), `altitude` degrees above the horizon."""

    azimuth: float = 315.0
    altitude: float = 45.0
    exaggeration: float = 1.0

    name: ClassVar[str] = "hillshade"
    halo: ClassVar[int] = 1
    smooth: ClassVar[bool] = True
    encoding: ClassVar[Encoding | None] = None

    def __str__(self) -> str:
        return _spelled(
            self.name,
            azimuth=_other_than(315.0, self.azimuth),
            altitude=_other_than(45.0, self.altitude),
            exaggeration=_other_than(1.0, self.exaggeration),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The steepness in degrees, as colours of a ramp over `rescale`."""

    rescale: Rescale | None = None

    name: ClassVar[str] = "slope"
    halo: ClassVar[int] = 1
    smooth: ClassVar[bool] = True
    encoding: ClassVar[Encoding | None] = None

    def __str__(self) -> str:
        return _spelled(self.name, rescale=self.rescale)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightCode:
    """Heights in metres as numbers of 24 bits in red, green and blue.

    Attributes
    ----------
    border : int
        Cells of the neighbours on each side, for shading without seams.
    nodata_height : float
        Metres that stand for nodata: readers of such pictures look at no transparency.
    """

    name: Literal["terrain-rgb", "terrarium"]
    border: int = 0
    nodata_height: float = 0.0

    smooth: ClassVar[bool] = True

    @property
    def halo(self) -> int:
        return self.border

    @property
    def encoding(self) -> Encoding | None:
        return "terrarium" if self.name == "terrarium" else "mapbox"

    def __str__(self) -> str:
        return _spelled(
            self.name,
            border=self.border or None,
            nodata_height=_other_than(0.0, self.nodata_height),
        )


Style = Ramp | Hillshade | Slope | HeightCode
"""Each has a `name`, `halo` (cells wanted around the picture), `smooth` (whether bilinear interpolation is
wanted where values between cells have a meaning), `encoding`, and its one spelling as `str`."""


def number(value: float) -> str:
    """A number without a needless point."""
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _other_than(default: float, value: float) -> str | None:
    return None if value == default else number(value)


def _spelled(name: str, **parameters: object) -> str:
    """The style as an address has it; what is None is left out."""
    given = [f"{key}={value}" for key, value in parameters.items() if value is not None]
    return ";".join([name, *given])
