"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    model_validator,
)

from service.errors import RegistrationTooLarge
from service.field_types import (
    WITHOUT_NUL,
    CellsASide,
    FiniteFloat,
    Priority,
    SafeInteger,
    Slug,
    Text,
    not_reserved,
    without_nul,
)

MOST_FIELDS = 100
"""More than any body has: beyond that they are not told one by one."""

MOST_TILES = 50_000
"""In one body: they are looked at while nobody else is served, which takes half a second for so many."""


class Body(BaseModel):
    """Refuses fields it does not know, so that a mistyped one is not lost, and true and "1" as numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _has_not_too_many(cls, given: object) -> object:
        if isinstance(given, dict) and len(given) > MOST_FIELDS:
            raise ValueError(f"must not have more than {MOST_FIELDS} fields")
        return given


class ExtentBody(Body):
    """A rectangle on the ground, in the terrain's CRS."""

    left: FiniteFloat
    bottom: FiniteFloat
    right: FiniteFloat
    top: FiniteFloat


class TerrainChange(Body):
    """What may be said of a terrain at any time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Golden hill", "unit": "m"}]})

    title: Text | None = None
    description: Text | None = None
    attribution: Text | None = None
    license: Text | None = None
    unit: Annotated[Text | None, Field(description='Of the heights, e.g. "m".')] = None
    vertical_datum: Text | None = None


NORTH_UP = [
    {"type": "number", "exclusiveMinimum": 0},
    {"const": 0},
    {"type": "number"},
    {"const": 0},
    {"type": "number", "exclusiveMaximum": 0},
    {"type": "number"},
]
"""[a, b, c, d, e, f] as a schema says it."""


class NewTerrainBody(TerrainChange):
    """A terrain to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "alps", "title": "The Alps", "crs": "EPSG:32632", "unit": "m"}]
        }
    )

    name: Annotated[Slug, AfterValidator(not_reserved), Field(json_schema_extra={"not": {"const": "tile"}})]
    crs: Annotated[Text | None, Field(description="Authority code or WKT.")] = None
    anchor_transform: Annotated[
        list[FiniteFloat] | None,
        Field(
            min_length=6,
            max_length=6,
            description="[a, b, c, d, e, f] of cell (x=0, y=0): ground x = a·col + b·row + c, "
            "ground y = d·col + e·row + f. North-up and not rotated. Default: that of the first "
            "georeferenced tile.",
            json_schema_extra={"prefixItems": NORTH_UP},
        ),
    ] = None
    extent: Annotated[
        ExtentBody | None, Field(description="Declared extent. Default: the box around the tiles.")
    ] = None
    nodata: Annotated[
        FiniteFloat | None, Field(description="Sentinel of tiles whose file and registration name none.")
    ] = None
    tile_size: Annotated[
        CellsASide | None, Field(description="Cells a side: x and y of registrations are then tile indices.")
    ] = None


class SizeBody(BaseModel):
    """Cells a side."""

    height: int
    width: int


class TerrainBody(BaseModel):
    """A terrain as it is catalogued."""

    id: int
    name: str
    title: str | None
    description: str | None
    attribution: str | None
    license: str | None
    unit: str | None
    vertical_datum: str | None
    crs: str | None
    anchor_transform: list[float] | None
    nodata: float | None
    tile_size: int | None
    revision: int
    tile_count: int
    size: SizeBody | None
    x: Annotated[int | None, Field(description="Column of level 0's cell (0, 0) in the tiles' x.")]
    y: Annotated[int | None, Field(description="Row of level 0's cell (0, 0) in the tiles' y.")]
    level_count: int | None
    extent: ExtentBody | None
    lonlat_extent: ExtentBody | None
    created_at: datetime
    updated_at: datetime


class TerrainWithPyramidsBody(TerrainBody):
    """One terrain with the state of its pyramids."""

    pyramids: dict[str, str]


class TerrainPage(BaseModel):
    """A page of terrains; `next` is the address of the next one, null on the last."""

    terrains: list[TerrainBody]
    next: str | None


class PlacedSourceBody(Body):
    """Where a tile's bytes lie, and its place unless the file says it."""

    url: Annotated[
        str,
        StringConstraints(min_length=1, max_length=2048),
        AfterValidator(without_nul),
        Field(json_schema_extra={"pattern": WITHOUT_NUL}),
    ]
    x: SafeInteger | None = None
    y: SafeInteger | None = None
    priority: Priority = 0


class NewTileBody(PlacedSourceBody):
    """A tile to register."""

    nodata: Annotated[FiniteFloat | None, Field(description="Overrides the file's own sentinel.")] = None


def _not_too_many(tiles: object) -> object:
    if isinstance(tiles, list) and len(tiles) > MOST_TILES:
        raise RegistrationTooLarge(len(tiles), MOST_TILES)
    return tiles


class NewTilesBody(Body):
    """Tiles to register, all or none."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tiles": [{"url": "golden-west.npy", "x": 0, "y": 0}]}]}
    )

    tiles: Annotated[list[NewTileBody], Field(min_length=1), FailFast(), BeforeValidator(_not_too_many)]


class TileChange(Body):
    """What may be changed of a tile."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": 1}]})

    priority: Priority


class IdentityBody(BaseModel):
    """Which bytes were registered."""

    size: int
    modified_at: datetime | None
    etag: str | None


class TileBody(BaseModel):
    """A tile as it is catalogued; x and y in cells of the terrain's grid, whatever `tile_size` is."""

    id: int
    terrain_id: int
    url: str
    x: int
    y: int
    width: int
    height: int
    dtype: str
    nodata: float | int | Literal["NaN"] | None
    scale: float
    offset: float
    priority: int
    identity: IdentityBody
    declared: Annotated[
        bool, Field(description="Whether nobody has looked into the file yet: the first build does.")
    ]


class TilePage(BaseModel):
    """A page of tiles; `next` is the address of the next one, null on the last."""

    tiles: list[TileBody]
    next: str | None


class RegistrationBody(BaseModel):
    """What a registration did."""

    tiles: list[TileBody]
    revision: int
    origin_moved: Annotated[
        bool,
        Field(
            description="Whether the terrain's upper-left cell moved, which shifts every 2x2 block of "
            "pyramids built before."
        ),
    ]


class RowProblemBody(BaseModel):
    """Why a row of a table cannot be registered."""

    line: Annotated[int, Field(description="Where the row ends in the table, from 1.")]
    url: str | None
    reason: str


class ReasonBody(BaseModel):
    """Why a registration failed."""

    error: str
    detail: str


class TableRegistrationBody(BaseModel):
    """How the registration of a table stands: nothing of it is there before it is done."""

    id: str
    terrain_id: int
    state: Literal["queued", "running", "done", "failed"]
    progress: Annotated[float, Field(ge=0, le=1, description="Share of the table that is read.")]
    rows_read: int
    rows_registered: int
    problem_count: int
    problems: Annotated[list[RowProblemBody], Field(description="The first ones.")]
    failure: ReasonBody | None
    revision: Annotated[int | None, Field(description="The terrain's, since it is done.")]
    origin_moved: bool | None
    created_at: datetime
    finished_at: datetime | None


class StatisticsBody(BaseModel):
    """Of a tile's valid cells, after scale and offset; null when there are none."""

    cell_count: int
    valid_count: int
    min: float | int | None
    max: float | int | None
    mean: float | None
    std: float | None
