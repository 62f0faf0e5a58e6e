"""The OpenAPI document as a whole: what stands before and around every route is described here."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from fastapi import FastAPI

from service.description import headers
from service.description.keys import describe_keys
from service.description.links import add_links
from service.description.problems import NAME, PROBLEM_SCHEMA, problem_responses
from service.errors import HostUnknown
from service.known_hosts import PROBES
from service.settings import Settings

DESCRIPTION = """
Errors are problems (RFC 9457), told apart by their `type`. An address that does not exist is a 404, a method
that it does not have a 405 whose `Allow` names those it has. `HEAD` is answered wherever `GET` is. A request
with a query parameter that its address does not know is refused, and so is JSON with a field that it does
not know, with a name twice, or with what is no number.
"""

REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "The request's id, to find it in the service's log: up to 64 letters, digits and "
        "hyphens. Anything else is not taken, and the service makes one.",
        "schema": {"type": "string"},
        "example": "3f0c2b8e-survey-7",
    },
    "Range": {
        "name": "Range",
        "in": "header",
        "description": "One range of the content's bytes (RFC 9110).",
        "schema": {"type": "string"},
        "example": "bytes=0-99",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of an answer that the client has: 304 if it is still the one.",
        "schema": {"type": "string"},
        "example": '"0123456789abcdef0123456789abcdef"',
    },
}

_ASKED_FOR_BY = {"304": "IfNoneMatch", "206": "Range"}
"""Statuses that only a request with this header is answered with."""

Operation = dict[str, Any]


def describe(app: FastAPI, settings: Settings) -> None:
    """Complete what FastAPI says of the routes; once, when all of them are there."""
    document = app.openapi()
    components = document["components"]
    components["schemas"][NAME] = dict(PROBLEM_SCHEMA)
    components["parameters"] = REQUEST_HEADERS
    components["headers"] = dict(headers.REQUEST_ID)
    if settings.requires_keys:
        describe_keys(document, settings)
    for path, operation in _operations(document):
        if not path.startswith(PROBES):
            _add_responses(operation, problem_responses(HostUnknown))
        _take_out_null(operation)
        _add_request_headers(operation)
        if path.startswith("/v1/"):
            del operation["responses"]["422"]  # 400 there, whatever cannot be answered
        _finish_responses(operation)
    add_links(document)
    for operations in document["paths"].values():
        if "get" in operations:
            operations["head"] = _head_of(operations["get"])


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _add_responses(operation: Operation, responses: dict[int | str, Any]) -> None:
    for status, response in responses.items():
        operation["responses"].setdefault(str(status), response)


def _take_out_null(operation: Operation) -> None:
    """A parameter is there or not: it is never null."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            parameter["schema"] = {**kinds[0], **schema}
        elif kinds:
            schema["anyOf"] = kinds


def _add_request_headers(operation: Operation) -> None:
    names = [
        "RequestId",
        *(name for status, name in _ASKED_FOR_BY.items() if status in operation["responses"]),
    ]
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    operation["parameters"] = [*operation.get("parameters", []), *parameters]


def _finish_responses(operation: Operation) -> None:
    """In order, and each with the header that every answer has."""
    request_id = {name: {"$ref": f"#/components/headers/{name}"} for name in headers.REQUEST_ID}
    operation["responses"] = {
        status: {**response, "headers": {**response.get("headers", {}), **request_id}}
        for status, response in sorted(operation["responses"].items())
    }


def _head_of(get: Operation) -> Operation:
    """What is said of GET, without the content of the answers."""
    head = deepcopy(get)
    head["operationId"] = f"head_{get['operationId']}"
    head["summary"] = f"{get['summary']}: headers only"
    for response in head["responses"].values():
        response.pop("content", None)
        response.pop("links", None)
    return head
