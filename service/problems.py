"""Errors as RFC 9457 problems."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
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
from service.allowed_methods import allowed_methods
from service.careful_headers import CAREFUL_HEADERS
from service.disclosure import HIDDEN, data_of, detail_of, title_of
from service.problem_statuses import STATUSES
from service.request_errors import RangeNotSatisfiable
from service.request_ids import HEADER as REQUEST_ID
from service.request_ids import request_id_of

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

MAY_PASS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""Statuses of what may be otherwise the next time."""

CHALLENGE = 'Bearer realm="ziggurat"'
"""Says how to identify oneself, as 401 has to (RFC 6750)."""

REQUEST_INVALID: Mapping[str, Any] = {
    "type": "/problems/request-invalid",
    "title": "The request is not valid",
    "status": int(HTTPStatus.UNPROCESSABLE_ENTITY),
}
INTERNAL_ERROR: Mapping[str, Any] = {
    "type": "/problems/internal-error",
    "title": "The service has a defect",
    "status": int(HTTPStatus.INTERNAL_SERVER_ERROR),
}
"""Problems without an error of ours."""

MOST_REASONS = 100
LONGEST_NAME = 200
"""An answer is not to be larger than what was wrong with the request."""


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
    if isinstance(error, RangeNotSatisfiable):
        headers = {"Content-Range": f"bytes */{error.size}"}
    return _response(request, problem, headers)


async def answer_error(request: Request, error: Exception) -> Response:
    """The answer to what a route raises on purpose: an error of ours, or what its framework finds."""
    if isinstance(error, RequestValidationError):
        return await _answer_validation(request, error)
    if isinstance(error, HTTPException):
        return await _answer_http(request, error)
    return answer_problem(request, error)


async def _answer_own(request: Request, error: Exception) -> Response:
    return answer_problem(request, error)


def _where(place: Sequence[object]) -> str:
    """The name of what is wrong, without that of the type it should be."""
    names = place[:2] if place[0] in {"query", "path", "header"} else place
    return ".".join(str(name)[:LONGEST_NAME] for name in names)


async def _answer_validation(request: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    reasons = [{"where": _where(each["loc"]), "reason": each["msg"]} for each in errors[:MOST_REASONS]]
    detail = "; ".join(f"{reason['where']}: {reason['reason']}" for reason in reasons[:5])
    return _response(request, {**REQUEST_INVALID, "detail": detail, "errors": reasons}, None)


async def _answer_http(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, service_errors.ServiceError):  # of whoever reads the body
        return answer_problem(request, error.__cause__)
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": f"{request.method} {request.url.path}: {status.description or status.phrase}",
    }
    headers = getattr(error, "headers", None)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(allowed_methods(request))}
    return _response(request, problem, headers)


async def _answer_bug(request: Request, error: Exception) -> Response:
    logger.error("unexpected error", exc_info=error)
    return _response(request, INTERNAL_ERROR, None)


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` with a problem.

    By coroutines: Starlette runs anything else in a thread, and that there is none may be the error.
    """
    for base in (raster_errors.RasterError, catalog_errors.CatalogError, service_errors.ServiceError):
        app.add_exception_handler(base, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_bug)
