"""Bodies of answers about pyramids and their levels."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from raster.errors import MOST_LISTED

JsonNodata = Annotated[
    float | int | Literal["NaN"] | None, Field(description='"NaN" as Zarr writes it: JSON has no NaN.')
]
StateWord = Literal["absent", "building", "ready", "stale", "failed", "corrupt"]
FourNumbers = Annotated[list[float], Field(min_length=4, max_length=4)]
SixNumbers = Annotated[list[float], Field(min_length=6, max_length=6)]


class LevelBody(BaseModel):
    """Size and place of one level."""

    level: int
    height: int
    width: int
    transform: SixNumbers


class ProgressBody(BaseModel):
    """Shards of the build under way; both 0 while it waits for its turn. Who builds is null then."""

    shards_done: int
    shards_total: int
    builder: Annotated[str | None, Field(description="Host and process that build.")] = None
    attempt: Annotated[int | None, Field(description="From 1; those before it failed or were killed.")] = None
    age_s: Annotated[float | None, Field(description="Seconds since the attempt began.")] = None
    eta_s: Annotated[float | None, Field(description="Seconds it still takes, if all goes on as it did.")] = (
        None
    )


class FailureBody(BaseModel):
    """Why the last build failed."""

    error: str
    detail: str
    transient: Annotated[
        bool, Field(description="Whether it may go by without a change of the terrain or the settings.")
    ]
    failed_at: datetime | None


class MissingTileBody(BaseModel):
    """A tile that the pyramid was built without, and its place, which is nodata where no other tile lies."""

    source: str
    row: Annotated[int, Field(description="In level 0.")]
    col: int
    height: int
    width: int
    kind: Annotated[str, Field(description="The failure's name.")]
    reason: str


class PyramidBody(BaseModel):
    """A pyramid and its state."""

    terrain_id: int
    metric: str
    state: StateWord
    generation: str | None
    built_at: datetime | None
    revision: Annotated[int | None, Field(description="The terrain's revision it was built from.")]
    level_count: int | None
    dtype: str | None
    nodata: JsonNodata
    levels: list[LevelBody]
    store_url: Annotated[str | None, Field(description="The Zarr group, for xarray and the like.")]
    zarr_url: Annotated[
        str | None, Field(description="The same over HTTP: this generation, and never another one.")
    ]
    vrt_url: Annotated[str | None, Field(description="A VRT of it, for GDAL and QGIS.")]
    byte_count: int | None
    tile_count: Annotated[
        int | None,
        Field(description="Tiles it was built from: those of `/terrain/{terrain}/tile` while it is ready."),
    ]
    missing_tile_count: Annotated[
        int | None, Field(description="Tiles that it was built without, as `on_missing=mask` allowed.")
    ]
    missing_tiles: Annotated[list[MissingTileBody], Field(description=f"The first {MOST_LISTED} of them.")]
    progress: ProgressBody | None
    failure: FailureBody | None


class PyramidList(BaseModel):
    """Every metric's pyramid."""

    pyramids: list[PyramidBody]


class LevelWindowBody(BaseModel):
    """A window of a level, and where it lies.

    Answers are written without going through this model, which would be slow for a million
    cells; it says what they are.
    """

    terrain_id: int
    metric: str
    level: Annotated[int, Field(description="From 0, also when a negative one was asked for.")]
    level_count: int
    row: int
    col: int
    height: int
    width: int
    level_height: int
    level_width: int
    dtype: str
    nodata: JsonNodata
    unit: str | None
    crs: str | None
    transform: Annotated[SixNumbers, Field(description="Of the window: its (col, row) to the ground.")]
    extent: Annotated[FourNumbers, Field(description="Of the window: left, bottom, right, top.")]
    generation: str
    state: Annotated[
        Literal["ready", "stale"],
        Field(description="stale: values of the terrain as it was before its last changes."),
    ]
    missing_tile_count: Annotated[int, Field(description="Tiles that the pyramid was built without.")]
    values: Annotated[list[list[float | int | None]], Field(description="Rows, north first; nodata is null.")]
