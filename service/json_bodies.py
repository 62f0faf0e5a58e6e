"""Bodies that are JSON, read strictly, so that it can be read in one way only (RFC 8259)."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from service.desk import desk_of
from service.request_errors import BodyMalformed, MediaTypeNotTaken

T = TypeVar("T")

MEDIA_TYPE = "application/json"

LONG_BYTES = 2**16
"""Of a body; longer ones are read in a thread, and others are served meanwhile."""


def read_json(content: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises
    ------
    BodyMalformed
        It is no JSON, or leaves open what it says: a name twice, NaN.
    """
    try:
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=_with_unique_names, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise BodyMalformed(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise BodyMalformed(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise BodyMalformed("it is nested too deeply") from error
    except ValueError as error:
        # the one that is left: Python limits the digits of integers, whose reading is quadratic
        raise BodyMalformed("a number has too many digits") from error


def _with_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise BodyMalformed("an object has a name twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise BodyMalformed(f"{name} is no number in JSON")


class JsonRoute(APIRoute):
    """A route whose body, if it takes one, is JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_json(request: Request) -> Response:
            _check_media_type(request.headers)
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_json


class _JsonRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = await read_in_turn(self, read_json, await self.body())
        return self._json


async def read_in_turn(request: Request, read: Callable[[bytes], T], content: bytes) -> T:
    """What a body says; that of a long one is found out in a thread.

    Raises
    ------
    What `read` raises, and what `Desk.run` does.
    """
    return await desk_of(request).run(read, content) if len(content) > LONG_BYTES else read(content)


def _check_media_type(headers: Headers) -> None:
    """A body that is missing altogether is for others to complain about.

    Raises
    ------
    MediaTypeNotTaken
    """
    is_empty = "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"
    types, encodings = headers.getlist("content-type"), headers.getlist("content-encoding")
    if is_empty and not types:
        return
    (media_type, *others) = types or [""]
    if others or media_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise MediaTypeNotTaken("Content-Type", MEDIA_TYPE)
    if any(encoding.strip().lower() != "identity" for encoding in encodings):
        raise MediaTypeNotTaken("Content-Encoding", "identity")
