"""Requests in the words of Open Topo Data, so that its clients work here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from raster.points import Finding, Interpolation, PointValues
from service.elevations import Axes, PointsAsked
from service.errors import ParameterInvalid
from service.numbers import read_number
from service.value_errors import PointsTooMany

POLYLINE_DEGREES = 1e-5
"""What a step of an encoded polyline is."""

GOES_ON = bytes(range(63 + 32, 127))
"""Characters of an encoded polyline that are not a number's last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationsAsked:
    """Locations to be answered, in the order that they were given."""

    points: PointsAsked
    interpolation: Interpolation
    nodata_value: int | None
    """The elevation of what has none."""
    sample_count: int | None
    """None: at the locations; else at so many points along the line through them."""


def parse_locations(text: str, most: int) -> PointsAsked:
    """Points of `lat,lon|lat,lon`, or of a polyline as Google encodes them (five decimals).

    Raises
    ------
    ParameterInvalid
    PointsTooMany
        More than `most`, which are counted and not read.
    """
    if not text.strip("|"):
        raise ParameterInvalid("locations", "none given; write ?locations=lat,lon|lat,lon")
    count = _count(text)
    if count > most:
        raise PointsTooMany(count, most)
    pairs = list(_written(text) if "," in text else _encoded(text))
    for number, (lat, lon) in enumerate(pairs, 1):
        if not (abs(lat) <= 90 and abs(lon) <= 180):
            reason = f"location {number}, {lat},{lon}, is not lat,lon within ±90 and ±180, in this order"
            raise ParameterInvalid("locations", reason)
    return PointsAsked.of(Axes.LONLAT, [(lon, lat) for lat, lon in pairs])


def _count(text: str) -> int:
    """How many locations there are, if they are any."""
    if "," in text:
        return text.strip("|").count("|") + 1
    # any byte of another character counts as a number, and is none
    return len(text.encode().translate(None, GOES_ON)) // 2


def _written(text: str) -> Iterator[tuple[float, float]]:
    for number, location in enumerate(text.strip("|").split("|"), 1):
        try:
            lat, lon = map(read_number, location.split(","))
        except ValueError as error:
            reason = f"location {number}, {location[:40]!r}, is not lat,lon"
            raise ParameterInvalid("locations", reason) from error
        yield lat, lon


def _encoded(text: str) -> Iterator[tuple[float, float]]:
    lat = lon = 0
    numbers = _numbers(text)
    for step in numbers:
        lat += step
        try:
            lon += next(numbers)
        except StopIteration:
            raise ParameterInvalid("locations", "the polyline ends within a location") from None
        yield lat * POLYLINE_DEGREES, lon * POLYLINE_DEGREES


def _numbers(text: str) -> Iterator[int]:
    """The numbers of a polyline: five bits a character, the lowest first, the sign in the lowest bit."""
    value = shift = 0
    for character in text:
        bits = ord(character) - 63
        if not 0 <= bits < 64:
            reason = f"{character[:1]!r} is neither of an encoded polyline nor of lat,lon|lat,lon"
            raise ParameterInvalid("locations", reason)
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            yield ~(value >> 1) if value & 1 else value >> 1
            value = shift = 0
        elif shift > 60:
            raise ParameterInvalid("locations", "the polyline has a number that is too large")
    if shift:
        raise ParameterInvalid("locations", "the polyline ends within a number")


def list_results(
    points: PointsAsked, found: PointValues, dataset: str, nodata_value: int | None
) -> list[dict[str, object]]:
    """What an answer says of each location."""
    return [
        {
            "elevation": value if finding == Finding.VALUE else nodata_value,
            "location": {"lat": lat, "lng": lon},
            "dataset": dataset,
        }
        for lon, lat, value, finding in zip(
            points.first.tolist(),
            points.second.tolist(),
            found.values.tolist(),
            found.findings.tolist(),
            strict=True,
        )
    ]
