"""Answers with files of the viewer, and which requests want its page instead of JSON."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import Headers

from service.accept import best_accepted
from service.etags import answers_304
from service.viewer_files import ViewerFile

PAGE_PATHS = re.compile(r"/|/terrain/[^/]+")
"""Addresses that are a page for whoever likes HTML better than JSON."""

POLICY = (
    "default-src 'self'; "
    "img-src 'self' blob: data:; "  # pictures that the map has decoded, and those in its style sheet
    "worker-src 'self' blob:; "
    "object-src 'none'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
"""What the viewer may load: nothing of any other host. A worker obeys the policy of its own file."""


def wants_page(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request is one for a page. Pages are the same for everybody and tell nothing of the data."""
    if scope["method"] not in {"GET", "HEAD"} or not PAGE_PATHS.fullmatch(scope["path"]):
        return False
    return best_accepted(Headers(scope=scope).get("accept"), ("application/json", "text/html")) == "text/html"


def answer_file(request: Request, file: ViewerFile) -> Response:
    """The file, packed when the client can unpack it, or 304 when the client has it."""
    packs = best_accepted(request.headers.get("accept-encoding", "identity"), ("gzip",)) is not None
    headers = {
        # another representation has another tag
        "ETag": f'{file.etag[:-1]}0"' if packs else file.etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept, Accept-Encoding",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "same-origin",
    }
    if answers_304(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(
        file.packed if packs else file.content, headers={**headers, "Content-Type": file.media_type}
    )
