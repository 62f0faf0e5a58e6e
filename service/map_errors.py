"""What can be in the way of a map tile."""

from __future__ import annotations

from service.errors import ServiceError


class NothingToShow(ServiceError):
    """No pyramid is stored yet that a map could show."""

    def __init__(self, terrain: str, metric: str, state: str) -> None:
        super().__init__(
            f"terrain {terrain!r} has no pyramid {metric!r} to show yet, it is {state}; ask again in a moment"
        )
        self.metric = metric
        self.state = state
