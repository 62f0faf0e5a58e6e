"""Tiles that a pyramid is built without, since they cannot be had: their cells are nodata, as in a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raster.errors import MOST_LISTED, SourceNotFound, SourceTooSlow, SourceUnreachable
from raster.grid import Window

MAY_BE_MISSING = (SourceNotFound, SourceUnreachable, SourceTooSlow)
"""A source that is there and is wrong, or not allowed, is none that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTile:
    """A tile that cannot be had: its place in level 0, and why. `kind` is the error's name."""

    source: str
    window: Window
    kind: str
    reason: str


def missing_attributes(missing: Sequence[MissingTile]) -> dict[str, Any]:
    """How many there are, and the first of them, as attributes of the pyramid's group."""
    return {
        "count": len(missing),
        "tiles": [
            {
                "source": tile.source,
                "row": tile.window.row,
                "col": tile.window.col,
                "height": tile.window.height,
                "width": tile.window.width,
                "kind": tile.kind,
                "reason": tile.reason,
            }
            for tile in missing[:MOST_LISTED]
        ],
    }
