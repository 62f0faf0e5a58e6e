"""Bodies of requests and answers about values at points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from service.elevations import NAMES, Axes, PointsAsked
from service.field_types import MOST_POINTS, FiniteFloat, whole
from service.profiles import LineAsked
from service.schemas import Body

Longitude = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
DEFAULT_SAMPLES = 100
SampleCount = Annotated[int, Field(ge=2, le=MOST_POINTS), BeforeValidator(whole)]
AxesWord = Literal["lonlat", "xy", "rowcol"]
InterpolationWord = Literal["nearest", "bilinear"]
FindingWord = Literal["value", "nodata", "outside"]


class LonLat(Body):
    """A point in WGS 84 degrees."""

    lon: Longitude
    lat: Latitude


class XY(Body):
    """A point in the terrain's CRS, x before y whatever the CRS says."""

    x: FiniteFloat
    y: FiniteFloat


class RowCol(Body):
    """A point in cells of level 0: whole numbers are the cells' centres."""

    row: FiniteFloat
    col: FiniteFloat


KINDS: Mapping[Axes, type[Body]] = {Axes.LONLAT: LonLat, Axes.XY: XY, Axes.ROWCOL: RowCol}


def _axes_of(points: Any) -> str:
    """By the first point; the others have to be like it."""
    first = points[0] if isinstance(points, list) and points else {}
    names = first.keys() if isinstance(first, dict) else set()
    found = (axes for axes, pair in NAMES.items() if names & set(pair))
    return next(found, Axes.LONLAT).value


_Length = Field(min_length=1, max_length=MOST_POINTS, fail_fast=True)
Points = Annotated[
    Annotated[list[LonLat], _Length, Tag(Axes.LONLAT.value)]
    | Annotated[list[XY], _Length, Tag(Axes.XY.value)]
    | Annotated[list[RowCol], _Length, Tag(Axes.ROWCOL.value)],
    Discriminator(_axes_of),
]
_Several = Field(min_length=2, max_length=MOST_POINTS, fail_fast=True)
Vertices = Annotated[
    Annotated[list[LonLat], _Several, Tag(Axes.LONLAT.value)]
    | Annotated[list[XY], _Several, Tag(Axes.XY.value)]
    | Annotated[list[RowCol], _Several, Tag(Axes.ROWCOL.value)],
    Discriminator(_axes_of),
]


class _ValuesAsked(Body):
    interpolation: InterpolationWord = "nearest"
    metric: Annotated[str | None, Field(max_length=100)] = None


class ElevationsAsked(_ValuesAsked):
    """Points, all of them named alike."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"points": [{"row": 0, "col": 1}, {"row": 4, "col": 6.5}]}]}
    )

    points: Points

    def asked(self) -> PointsAsked:
        """The points as numbers."""
        return _numbers(self.points)


class ProfileAsked(_ValuesAsked):
    """A line, its vertices named alike, and at how many points of it values are wanted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"line": [{"row": 0, "col": 0}, {"row": 4, "col": 6}], "samples": 5}]}
    )

    line: Vertices
    samples: SampleCount = DEFAULT_SAMPLES

    def asked(self) -> LineAsked:
        """The line as numbers."""
        return LineAsked(vertices=_numbers(self.line), sample_count=self.samples)


def _numbers(points: Sequence[Body]) -> PointsAsked:
    axes = next(axes for axes, kind in KINDS.items() if isinstance(points[0], kind))
    first, second = NAMES[axes]
    return PointsAsked.of(axes, [(getattr(each, first), getattr(each, second)) for each in points])


class FoundBody(BaseModel):
    """What lies at a point; the elevation is null unless it is a value."""

    elevation: float | int | None
    status: FindingWord


class AnsweringBody(BaseModel):
    """Which pyramid answers."""

    terrain_id: int
    metric: str
    generation: str
    state: Annotated[
        Literal["ready", "stale"],
        Field(description="stale: values of the terrain as it was before its last changes."),
    ]
    unit: str | None
    interpolation: InterpolationWord


class ElevationBody(AnsweringBody, FoundBody):
    """The value at a point."""

    row: Annotated[int | None, Field(description="Of the cell of level 0 it lies in; null outside.")]
    col: int | None


class ElevationsBody(AnsweringBody):
    """The values at points, in the order of the request."""

    points: list[FoundBody]


class _SampleBody(FoundBody):
    distance: Annotated[float, Field(description="From the start of the line.")]


class LonLatSample(_SampleBody):
    """What lies at a point of a line."""

    lon: float
    lat: float


class XYSample(_SampleBody):
    """What lies at a point of a line."""

    x: float
    y: float


class RowColSample(_SampleBody):
    """What lies at a point of a line."""

    row: float
    col: float


class ProfileBody(AnsweringBody):
    """The values along a line, evenly spaced from its first vertex to its last."""

    length: float
    distance_unit: Annotated[
        str | None,
        Field(description="`metre` on the globe, else the CRS's own unit; null where there is no CRS."),
    ]
    samples: list[LonLatSample] | list[XYSample] | list[RowColSample]
