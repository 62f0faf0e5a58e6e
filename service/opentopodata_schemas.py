"""Bodies of requests and answers in the words of Open Topo Data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from raster.points import Interpolation
from service.elevation_schemas import InterpolationWord, SampleCount
from service.errors import ParameterInvalid
from service.field_types import MOST_POINTS, whole
from service.opentopodata import LocationsAsked, parse_locations
from service.schemas import Body

LONGEST_LOCATIONS = 40 * MOST_POINTS
NODATA_TEXT = r"^(null|-?[0-9]{1,15})$"
NodataNumber = Annotated[int, Field(ge=-(2**53), le=2**53), BeforeValidator(whole)]


class LocationsBody(Body):
    """What may also stand in the address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"locations": "46.05,9.01|46.05,9.02"}]})

    locations: Annotated[str, Field(max_length=LONGEST_LOCATIONS)]
    interpolation: InterpolationWord = "bilinear"
    nodata_value: NodataNumber | Literal["null"] | None = None
    samples: SampleCount | None = None
    format: Literal["json"] = "json"

    def asked(self, most: int) -> LocationsAsked:
        """The locations as numbers, at most so many.

        Raises
        ------
        ParameterInvalid, PointsTooMany
        """
        value = self.nodata_value
        points = parse_locations(self.locations, most)
        if self.samples is not None and len(points.first) == 1:
            raise ParameterInvalid("samples", "one location is no line; give two or more, or no samples")
        return LocationsAsked(
            points=points,
            interpolation=Interpolation(self.interpolation),
            nodata_value=value if isinstance(value, int) else None,
            sample_count=self.samples,
        )


_FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["locations"],
    "additionalProperties": False,
    "properties": {
        "locations": {"type": "string", "maxLength": LONGEST_LOCATIONS},
        "interpolation": {"type": "string", "enum": ["nearest", "bilinear"]},
        "nodata_value": {"type": "string", "pattern": NODATA_TEXT},
        "samples": {"type": "integer", "minimum": 2, "maximum": MOST_POINTS},
        "format": {"type": "string", "enum": ["json"]},
    },
}
FORM_CONTENT = {"schema": _FORM_SCHEMA, "example": {"locations": "46.05,9.01|46.05,9.02"}}
"""The same as an HTML form, which knows no null, as OpenAPI describes it."""


class LocationBody(BaseModel):
    """A place, in degrees."""

    lat: float
    lng: float


class ResultBody(BaseModel):
    """The elevation at a location; null, or what `nodata_value` says, where there is none."""

    elevation: float | int | None
    location: LocationBody
    dataset: Annotated[str, Field(description="The terrain's name.")]


class ResultsBody(BaseModel):
    """Elevations in the order of the locations."""

    results: list[ResultBody]
    status: Literal["OK"]


class FailureWords(BaseModel):
    """Why there is no answer: as Open Topo Data says it, and the problem's type, title and request id."""

    model_config = ConfigDict(extra="allow")

    status: Literal["INVALID_REQUEST", "SERVER_ERROR"]
    error: str
    type: str
    title: str
    request_id: str


def failure_words(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem in these words."""
    status = "INVALID_REQUEST" if problem["status"] < 500 else "SERVER_ERROR"
    return {**problem, "status": status, "error": problem.get("detail", problem["title"])}
