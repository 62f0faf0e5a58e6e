"""Errors as RFC 9457 problems."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from http import HTTPStatus
from random import SystemRandom
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from catalog import errors as catalog_errors
from raster import errors as raster_errors
from service import errors as service_errors
from service.careful_headers import CAREFUL_HEADERS
from service.disclosure import HIDDEN, data_of, detail_of, title_of
from service.problem_statuses import STATUSES
from service.request_ids import HEADER as REQUEST_ID
from service.request_ids import request_id_of

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

MAY_PASS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""Statuses of what may be otherwise the next time."""

CHALLENGE = 'Bearer realm="ziggurat"'
"""Says how to identify oneself, as 401 has to (RFC 6750)."""


class ProblemResponse(Response):
    """A problem as JSON in ASCII: names from a request may hold what UTF-8 cannot carry."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


def type_of(error: type[Exception]) -> str:
    """The problem's type, e.g. `/problems/level-not-found`."""
    return "/problems/" + re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()


def problem_of(error: Exception) -> dict[str, Any]:
    """An error of ours as a problem, without request id."""
    kind = _kind_of(error)
    status = STATUSES[kind]
    problem: dict[str, Any] = {"type": type_of(kind), "title": title_of(kind), "status": int(status)}
    detail, data = detail_of(error), data_of(error)
    if isinstance(error, service_errors.BuildFailedBefore):
        data = {**error.data, "retry_in_s": error.retry_in_s}
    if isinstance(error, service_errors.RegistrationRefused):
        data = {"errors": [_reason(each) for each in error.reasons]}
    return {**problem, **({} if detail is None else {"detail": detail}), **data}


def _kind_of(error: Exception) -> type[Exception]:
    """What a client is told was wrong: of a failure that is remembered, what it was when it happened."""
    if isinstance(error, service_errors.BuildFailedBefore):
        return next((kind for kind in STATUSES if kind.__name__ == error.error), type(error))
    return type(error)


def _reason(error: Exception) -> dict[str, Any]:
    """One reason of several: the status is that of all of them together."""
    return {key: value for key, value in problem_of(error).items() if key != "status"}


def retry_after() -> str:
    """Seconds until a client should ask again; spread, so that clients do not come back together."""
    return str(SystemRandom().randint(1, 5))


def _response(request: Request, problem: Mapping[str, Any], headers: Mapping[str, str] | None) -> Response:
    given = dict(headers or {})
    if problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
        given.setdefault("Retry-After", retry_after())
    if problem["status"] == HTTPStatus.UNAUTHORIZED:
        given.setdefault("WWW-Authenticate", CHALLENGE)
    given["Cache-Control"] = "no-store"
    request.state.problem = problem["type"].rpartition("/")[2]
    given |= CAREFUL_HEADERS
    request_id = request_id_of(request.scope)
    given[REQUEST_ID] = request_id  # a defect's answer passes by the middleware that sets these
    return ProblemResponse(
        {**problem, "request_id": request_id},
        status_code=problem["status"],
        headers=given,
    )


def answer_problem(request: Request, error: Exception) -> Response:
    """The answer to an error of ours."""
    if type(error) in HIDDEN:
        logger.error("%s", error)
    problem, headers = problem_of(error), None
    if isinstance(error, service_errors.BuildFailedBefore) and problem["status"] in MAY_PASS:
        headers = {"Retry-After": str(math.ceil(error.retry_in_s))}
    return _response(request, problem, headers)


async def _answer_own(request: Request, error: Exception) -> Response:
    return answer_problem(request, error)


async def _answer_validation(request: Request, error: Exception) -> Response:
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


async def _answer_http(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, service_errors.BodyTooLarge):
        return answer_problem(request, error.__cause__)
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": f"{request.method} {request.url.path}: {status.description or status.phrase}",
    }
    return _response(request, problem, getattr(error, "headers", None))


async def _answer_bug(request: Request, error: Exception) -> Response:
    logger.error("unexpected error", exc_info=error)
    return _response(
        request,
        {"type": "/problems/internal-error", "title": "The service has a defect", "status": 500},
        None,
    )


RETRY = {
    "Retry-After": {"description": "Seconds until it is worth asking again", "schema": {"type": "string"}}
}
LATER = {**RETRY, "Location": {"description": "The state of the pyramid", "schema": {"type": "string"}}}
"""Headers of answers that say when to come again, as OpenAPI describes them."""

PROBLEM_SCHEMA: Mapping[str, Any] = {
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


def problem_responses(*errors: type[Exception], has_body: bool = False) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a route's problems.

    Parameters
    ----------
    errors : types of errors
        What the route may raise, apart from what every route may.
    has_body : bool
        Whether it takes JSON, which may be no JSON at all, or too much of it.
    """
    titles: dict[int, list[str]] = {422: ["The request is not valid"], 500: ["The service has a defect"]}
    if has_body:
        titles[400] = ["The body cannot be read"]
        titles[413] = [title_of(service_errors.BodyTooLarge)]
    everywhere = (
        service_errors.ParameterUnknown,
        service_errors.Overloaded,
        service_errors.ResourcesExhausted,
    )
    for error in (*everywhere, *errors):
        titles.setdefault(int(STATUSES[error]), []).append(title_of(error))
    content = {MEDIA_TYPE: {"schema": dict(PROBLEM_SCHEMA)}}
    return {
        status: {
            "description": ". ".join(said) + ".",
            "content": content,
            **({"headers": RETRY} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}),
        }
        for status, said in sorted(titles.items())
    }


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` with a problem.

    By coroutines: Starlette runs anything else in a thread, and that there is none may be the error.
    """
    for base in (raster_errors.RasterError, catalog_errors.CatalogError, service_errors.ServiceError):
        app.add_exception_handler(base, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_bug)
