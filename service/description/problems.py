"""Problems, as OpenAPI describes them: a route names the errors that it raises, and this says the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from catalog import errors as catalog_errors
from raster import errors as raster_errors
from service import errors as service_errors
from service import request_errors
from service.description import headers
from service.disclosure import title_of
from service.problem_statuses import STATUSES
from service.problems import INTERNAL_ERROR, MEDIA_TYPE, REQUEST_INVALID, type_of

NAME = "Problem"

PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": NAME,
    "description": "RFC 9457. An error's data are further members, such as `errors` of a request that is not "
    "valid; which there are depends on the type.",
    "type": "object",
    "required": ["type", "title", "status", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "The kind of problem: what a program may go by."},
        "title": {"type": "string", "description": "What is wrong in general."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong in particular, unless that is internal."},
        "request_id": {"type": "string"},
    },
}

SOURCE_ERRORS: tuple[type[Exception], ...] = (
    raster_errors.SourceNotFound,
    raster_errors.SourceForbidden,
    raster_errors.SourceRefused,
    raster_errors.SourceUnreadable,
    raster_errors.SourceUnreachable,
    raster_errors.SourceTooSlow,
    raster_errors.SourceChanged,
    raster_errors.SourceMisdeclared,
    raster_errors.CacheFailed,
    raster_errors.DecoderFailed,
)
"""What may be wrong with a registered tile when it is read."""

BUILD_ERRORS: tuple[type[Exception], ...] = (
    *SOURCE_ERRORS,
    raster_errors.SourcesUnavailable,
    raster_errors.TerrainEmpty,
    raster_errors.BudgetTooSmall,
    raster_errors.MetricFailed,
    raster_errors.MetricOverflow,
    raster_errors.ClusterUnavailable,
    raster_errors.StoreFailed,
    service_errors.StoreUnavailable,
    service_errors.BuildCancelled,
    service_errors.BuildCalledOff,
    service_errors.BuildAbandoned,
    service_errors.BuildFailedBefore,
    service_errors.BuildBroken,
    service_errors.PyramidLost,
)
"""What whoever waits for a build may be told."""

CATALOGUE_ERRORS: tuple[type[Exception], ...] = (
    catalog_errors.CatalogUnavailable,
    catalog_errors.SchemaOutdated,
    service_errors.Overloaded,
    service_errors.ResourcesExhausted,
)
"""What whoever asks the catalogue may be told."""

BODY_ERRORS: tuple[type[Exception], ...] = (
    request_errors.BodyMalformed,
    service_errors.BodyTooLarge,
    request_errors.MediaTypeNotTaken,
)
"""What whoever sends JSON may be told."""

_HEADERS: Mapping[int, headers.Headers] = {
    HTTPStatus.UNAUTHORIZED: headers.CHALLENGE,
    HTTPStatus.BAD_GATEWAY: headers.MAYBE_RETRY,
    HTTPStatus.SERVICE_UNAVAILABLE: headers.RETRY,
}


UNROUTED = (int(HTTPStatus.NOT_FOUND), "about:blank", "There is no such address")


def problem_responses(
    *errors: type[Exception], is_open_ended: bool = False
) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a route's problems.

    Parameters
    ----------
    errors : types of errors
        What the route may raise, apart from what every route may.
    is_open_ended : bool
        Whether its path ends in whatever follows; a line break does not.
    """
    kinds: dict[int, dict[str, str]] = {}
    unrouted = [UNROUTED] if is_open_ended else []
    for status, kind, title in (*_everywhere(), *(_row(error) for error in errors), *unrouted):
        kinds.setdefault(status, {})[kind] = title
    return {status: _response(status, kinds[status]) for status in sorted(kinds)}


def _everywhere() -> Iterator[tuple[int, str, str]]:
    for problem in (REQUEST_INVALID, INTERNAL_ERROR):
        yield problem["status"], problem["type"], problem["title"]
    yield _row(service_errors.ParameterUnknown)
    yield _row(service_errors.ParameterInvalid)


def _row(error: type[Exception]) -> tuple[int, str, str]:
    return int(STATUSES[error]), type_of(error), title_of(error)


def _response(status: int, kinds: Mapping[str, str]) -> dict[str, Any]:
    described = {
        "description": ". ".join(kinds.values()) + ".",
        "content": {MEDIA_TYPE: {"schema": _schema(status, list(kinds))}},
    }
    return {**described, "headers": dict(_HEADERS[status])} if status in _HEADERS else described


def _schema(status: int, types: list[str]) -> dict[str, Any]:
    """A problem of one of these types: answers with another one are not as described."""
    narrowed = {"properties": {"type": {"enum": types}, "status": {"const": status}}}
    return {"allOf": [{"$ref": f"#/components/schemas/{NAME}"}, narrowed]}
