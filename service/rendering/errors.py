"""What can be wrong with a style, or with what it is asked to draw."""

from __future__ import annotations

from service.errors import ServiceError


class StyleUnknown(ServiceError):
    """There is no such style."""

    def __init__(self, style: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no style {style!r}; there are {', '.join(known)}")
        self.style = style
        self.known = known


class StyleParameterInvalid(ServiceError):
    """A parameter of the style cannot be honoured."""

    def __init__(self, style: str, parameter: str, reason: str) -> None:
        super().__init__(f"style {style}: {parameter}: {reason}")
        self.style = style
        self.parameter = parameter
        self.reason = reason


class EncodingLossy(ServiceError):
    """Heights that are encoded as colours must not be compressed with loss."""

    def __init__(self, style: str, asked: str, lossless: tuple[str, ...]) -> None:
        super().__init__(
            f"{style} as {asked} would be heights that are wrong by kilometres; ask for "
            f"{' or '.join(lossless)}, which are lossless"
        )
        self.style = style
        self.asked = asked
        self.lossless = lossless


class HeightUnitUnknown(ServiceError):
    """Heights are encoded in metres, and these are in another or an unknown unit."""

    def __init__(self, style: str, unit: str | None) -> None:
        given = "has no unit" if unit is None else f"has the unit {unit!r}"
        way_out = (
            "take a metric of heights, such as max or mean"
            if unit == "1"
            else "set the terrain's unit to one of m, km, cm, mm, ft or US survey foot with PATCH, and its "
            "pyramid is built anew"
        )
        super().__init__(f"{style} holds metres, and what is to be encoded {given}; {way_out}")
        self.style = style
        self.unit = unit
