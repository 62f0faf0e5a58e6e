"""What the tables of tiles have in common."""

from __future__ import annotations

from sqlalchemy import false
from sqlalchemy.orm import Mapped, mapped_column

from catalog.column_types import NodataText


class TileFacts:
    """What is known of a tile. One that is declared was not looked at: it is what its owner says."""

    url: Mapped[str]
    x: Mapped[int]
    y: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    dtype: Mapped[str]
    nodata: Mapped[int | float | None] = mapped_column(NodataText)
    scale: Mapped[float]
    offset: Mapped[float]
    south_up: Mapped[bool]
    priority: Mapped[int]
    size: Mapped[int]
    mtime_ns: Mapped[int | None]
    etag: Mapped[str | None]
    transform: Mapped[list[float] | None]
    crs: Mapped[str | None]
    block_height: Mapped[int]
    block_width: Mapped[int]
    is_declared: Mapped[bool] = mapped_column(server_default=false())
