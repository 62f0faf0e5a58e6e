"""Errors as RFC 9457 problems: the one table that knows both our errors and HTTP."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from catalog import errors as catalog_errors
from raster import errors as raster_errors
from service import errors as service_errors
from service.request_ids import request_id_of

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[type[Exception], HTTPStatus] = {
    raster_errors.SourceNotFound: HTTPStatus.BAD_GATEWAY,
    raster_errors.SourceForbidden: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.SourceRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.SourceUnreadable: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.SourceChanged: HTTPStatus.CONFLICT,
    raster_errors.PlacementRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.TerrainEmpty: HTTPStatus.CONFLICT,
    raster_errors.TerrainTooLarge: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.GridInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.MetricNotFound: HTTPStatus.NOT_FOUND,
    raster_errors.MetricNotImportable: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.NotAMetric: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.MetricNameInvalid: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.MetricNameTaken: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.MetricFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    raster_errors.LevelNotFound: HTTPStatus.NOT_FOUND,
    raster_errors.WindowOutOfBounds: HTTPStatus.UNPROCESSABLE_ENTITY,
    raster_errors.WindowTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    raster_errors.PyramidCorrupt: HTTPStatus.SERVICE_UNAVAILABLE,
    catalog_errors.TerrainNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.TerrainExists: HTTPStatus.CONFLICT,
    catalog_errors.TileNotFound: HTTPStatus.NOT_FOUND,
    catalog_errors.CursorInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    catalog_errors.CatalogUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    catalog_errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.RegistrationRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.RegistrationTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    service_errors.PyramidNotBuilt: HTTPStatus.NOT_FOUND,
    raster_errors.ClusterUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    raster_errors.BudgetTooSmall: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.BuildCancelled: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.BuildSuperseded: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    service_errors.ParameterUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    service_errors.FormatNotSupported: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Leaf errors only: a base class says nothing about what a client should do.

SourceNotFound is that of a registered tile; in a registration it is a reason of RegistrationRefused.
"""

HIDDEN = frozenset(
    {raster_errors.PyramidCorrupt, catalog_errors.CatalogUnavailable, service_errors.StoreUnavailable}
)
"""Errors whose data name internals: the log has them, the answer does not."""


def title_of(error: type[Exception]) -> str:
    """The problem's title: the first line of the error's docstring."""
    return (error.__doc__ or error.__name__).strip().splitlines()[0].rstrip(".")


def type_of(error: type[Exception]) -> str:
    """The problem's type, e.g. `/problems/level-not-found`."""
    return "/problems/" + re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


def problem_of(error: Exception) -> dict[str, Any]:
    """An error of ours as a problem, without request id."""
    kind = type(error)
    status = STATUSES[kind]
    problem: dict[str, Any] = {"type": type_of(kind), "title": title_of(kind), "status": int(status)}
    if kind in HIDDEN:
        return problem
    data = {key: value for key, value in vars(error).items() if not key.startswith("_")}
    if isinstance(error, service_errors.RegistrationRefused):
        data = {"errors": [problem_of(reason) for reason in error.reasons]}
    return {**problem, "detail": str(error), **data}


def retry_after() -> str:
    """Seconds until a client should ask again; spread, so that clients do not come back together."""
    return str(random.randint(1, 5))  # noqa: S311 - no secret


def _response(
    request: Request, problem: Mapping[str, Any], headers: Mapping[str, str] | None
) -> JSONResponse:
    given = dict(headers or {})
    if problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
        given.setdefault("Retry-After", retry_after())
    given["Cache-Control"] = "no-store"
    return JSONResponse(
        {**problem, "request_id": request_id_of(request.scope)},
        status_code=problem["status"],
        headers=given,
        media_type=MEDIA_TYPE,
    )


def _answer_own(request: Request, error: Exception) -> JSONResponse:
    if type(error) in HIDDEN:
        logger.error("%s: %s", request_id_of(request.scope), error)
    return _response(request, problem_of(error), None)


def _answer_validation(request: Request, error: Exception) -> JSONResponse:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    reasons = [
        {"where": ".".join(str(part) for part in each["loc"]), "reason": each["msg"]} for each in errors
    ]
    detail = "; ".join(f"{reason['where']}: {reason['reason']}" for reason in reasons[:5])
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    problem = {
        "type": "/problems/request-invalid",
        "title": "The request is not valid",
        "status": int(status),
        "detail": detail,
        "errors": reasons,
    }
    return _response(request, problem, None)


def _answer_http(request: Request, error: Exception) -> JSONResponse:
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": f"{request.method} {request.url.path}: {status.description or status.phrase}",
    }
    return _response(request, problem, getattr(error, "headers", None))


def _answer_bug(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s: unexpected error", request_id_of(request.scope), exc_info=error)
    return _response(
        request,
        {"type": "/problems/internal-error", "title": "The service has a defect", "status": 500},
        None,
    )


def problem_responses() -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of errors, for every route."""
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "request_id"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
        },
    }
    described = {"content": {MEDIA_TYPE: {"schema": schema}}}
    return {
        "4XX": {"description": "The request cannot be honoured; `detail` says why", **described},
        "5XX": {"description": "The service cannot answer now; 503 says when to come again", **described},
    }


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    for base in (raster_errors.RasterError, catalog_errors.CatalogError, service_errors.ServiceError):
        app.add_exception_handler(base, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_bug)
