"""Small documents as answers: told apart by their content, so that whoever has one is not sent it again."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response

from service.etags import answers_304, etag_of_bytes

JSON = "application/json"


def answer_document(
    request: Request, content: bytes, cache_control: str, media_type: str = JSON, vary: str | None = None
) -> Response:
    """The document, or 304 when the client has it."""
    headers = {"ETag": etag_of_bytes(content), "Cache-Control": cache_control}
    if vary is not None:
        headers["Vary"] = vary
    if answers_304(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
