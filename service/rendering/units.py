"""Units of heights: how many metres one of them is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from service.rendering.errors import HeightUnitUnknown

_FOOT, _SURVEY_FOOT = 0.3048, 1200 / 3937
_METRES: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
        **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
        **dict.fromkeys(("dm", "decimetre", "decimetres", "decimeter", "decimeters"), 0.1),
        **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), 0.01),
        **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), 0.001),
        **dict.fromkeys(("ft", "foot", "feet", "international foot"), _FOOT),
        **dict.fromkeys(("us_survey_foot", "us survey foot", "us survey feet", "us-ft"), _SURVEY_FOOT),
    }
)


def metres_per(unit: str | None) -> float | None:
    """Metres in one `unit`, in whatever case it is written; None when it is unknown or no length.

    >>> metres_per("Foot")
    0.3048
    """
    return None if unit is None else _METRES.get(unit.strip().lower())


def require_metres(style: str, unit: str | None) -> float:
    """Metres in one `unit`, for a style that holds metres.

    Raises
    ------
    HeightUnitUnknown
    """
    metres = metres_per(unit)
    if metres is None:
        raise HeightUnitUnknown(style, unit)
    return metres
