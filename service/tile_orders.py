"""A tile to register, as asked for."""

from __future__ import annotations

from dataclasses import dataclass

from raster.cells import Nodata
from raster.sources.declared import Declaration


@dataclass(frozen=True, slots=True, kw_only=True)
class TileOrder:
    """A tile to register, as asked for; x and y in tile indices where the terrain has a tile size.

    One that is declared is taken at its word: its source is not opened before it is built from.
    """

    url: str
    x: int | None = None
    y: int | None = None
    priority: int = 0
    nodata: Nodata = None
    declared: Declaration | None = None
