"""The headers that say which generation an answer comes from."""

from __future__ import annotations

from catalog.models import Generation
from service.pyramid_states import State


def generation_headers(generation: Generation, state: State) -> dict[str, str]:
    """What every answer from a generation says of it."""
    return {
        "Ziggurat-State": state.value,
        "Ziggurat-Generation": generation.id,
        "Ziggurat-Missing-Tiles": str(generation.missing_tile_count),
    }
