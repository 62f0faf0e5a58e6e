"""What can go wrong with requests for values: at points, along lines, of pyramids that are not there yet."""

from __future__ import annotations

from service.errors import ServiceError


class PyramidPending(ServiceError):
    """The pyramid that would answer is being built."""

    def __init__(self, terrain: str, metric: str) -> None:
        super().__init__(f"the pyramid {metric!r} of terrain {terrain!r} is being built; ask again")
        self.terrain = terrain
        self.metric = metric


class PointsTooMany(ServiceError):
    """The request asks for more points than one answer may hold."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(
            f"{count} points in one request; at most {limit} are answered (ZIGGURAT_MAX_POINTS); send them "
            "in parts"
        )
        self.count = count
        self.limit = limit


class LineInvalid(ServiceError):
    """The line cannot be followed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"line: {reason}")
        self.reason = reason


class PlaceUnknown(ServiceError):
    """Nothing is known of where the terrain lies."""

    def __init__(self, terrain: str) -> None:
        super().__init__(
            f"terrain {terrain!r} has no CRS, or none of the Earth, so longitudes and latitudes lead "
            "nowhere in it; ask by x and y, or by row and col"
        )
        self.terrain = terrain
