"""Bodies that are HTML forms, of routes whose bodies are JSON: their fields become members of an object."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.types import Message

from service.json_bodies import MEDIA_TYPE, read_in_turn
from service.request_errors import BodyMalformed
from service.schemas import MOST_FIELDS

FORM_TYPE = "application/x-www-form-urlencoded"

_INTEGER = re.compile(r"-?[0-9]{1,15}")


def read_form(content: bytes) -> dict[str, Any]:
    """The fields of a form; integers are numbers, as they would be in JSON.

    Raises
    ------
    BodyMalformed
    """
    try:
        pairs = parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(content),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:
        reason = f"it is no form in ASCII and UTF-8 of at most {MOST_FIELDS} fields"
        raise BodyMalformed(reason) from error
    fields = {name: int(value) if _INTEGER.fullmatch(value) else value for name, value in pairs}
    if len(fields) < len(pairs):
        raise BodyMalformed("a form has a name twice")
    return fields


def is_form(request: Request) -> bool:
    """Whether the body says that it is one."""
    types = request.headers.getlist("content-type")
    return [each.partition(";")[0].strip().lower() for each in types] == [FORM_TYPE]


async def with_json(request: Request) -> Request:
    """The same request, its form's fields as JSON.

    Raises
    ------
    BodyMalformed
    """
    fields = await read_in_turn(request, read_form, await request.body())
    content = json.dumps(fields).encode()
    replaced = (b"content-type", b"content-length")
    headers = [pair for pair in request.scope["headers"] if pair[0] not in replaced]
    headers.append((b"content-type", MEDIA_TYPE.encode()))
    is_sent = False

    async def receive() -> Message:
        nonlocal is_sent
        if is_sent:
            return await request.receive()
        is_sent = True
        return {"type": "http.request", "body": content, "more_body": False}

    return Request({**request.scope, "headers": headers}, receive)
