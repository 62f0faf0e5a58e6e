"""Headers of answers, as OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Headers = Mapping[str, Mapping[str, Any]]


def _header(description: str, *, always: bool = True, **schema: Any) -> dict[str, Any]:
    return {"description": description, "required": always, "schema": {"type": "string", **schema}}


REQUEST_ID: Headers = {
    "X-Request-Id": _header("The request's id: in the service's log, too", pattern="^[A-Za-z0-9-]{1,64}$")
}
RETRY: Headers = {"Retry-After": _header("Seconds until it is worth asking again", pattern="^[0-9]+$")}
MAYBE_RETRY: Headers = {
    "Retry-After": _header(
        "Then a build failed before, and is not tried again sooner", always=False, pattern="^[0-9]+$"
    )
}
CHALLENGE: Headers = {"WWW-Authenticate": _header("How to identify oneself", pattern="^Bearer ")}
ETAG: Headers = {
    "ETag": _header("Send it back as If-None-Match to learn of changes", pattern='^"[0-9a-f]+"$')
}
PINNED: Headers = {**ETAG, "Cache-Control": _header("For ever: the address never means anything else")}
DOCUMENT: Headers = {**ETAG, "Cache-Control": _header("How long it may be kept")}
NEXT_PAGE: Headers = {
    "Link": _header('The next page, when there is one: `<address>; rel="next"`', always=False, pattern="^</")
}
APPLIED: Headers = {"Preference-Applied": _header("What of Prefer was honoured", always=False)}
STALE: Headers = {
    "Ziggurat-State": _header("`stale`: the catalogue is away", always=False, const="stale"),
    "Age": _header("Then: seconds since the answer was read", always=False, pattern="^[0-9]+$"),
}
"""Of answers that may be given again while the catalogue is away."""
ANSWERING: Headers = {
    "Ziggurat-State": _header("Of the pyramid the cells come from", enum=["ready", "stale"]),
    "Ziggurat-Generation": _header("The build of the pyramid that the cells come from"),
    "Ziggurat-Missing-Tiles": _header("Tiles that it was built without", pattern="^[0-9]+$"),
}
LEVEL: Headers = {**ETAG, **ANSWERING}
MAP: Headers = {
    **LEVEL,
    "Cache-Control": _header("For ever, when the address names a generation; else for a minute"),
    "Ziggurat-Fill": _header(
        "Of `npy`: the value of cells that are outside or, with nodata, have none; `nan` of floats",
        always=False,
        pattern="^(nan|-?[0-9]+)$",
    ),
}

PLACED: Headers = {
    "Content-Bbox": _header(
        "Where the window lies: its lower left and its upper right corner, in the order of the CRS's axes",
        pattern=r"^[^,]+(,[^,]+){3}$",
    ),
    "Content-Crs": _header("Of Content-Bbox, where it has a code", always=False, pattern="^<http"),
}


def located(description: str) -> Headers:
    """Where to go on: the description of `Location`."""
    return {"Location": _header(description, pattern="^/")}


PYRAMID_LATER: Headers = {**RETRY, **located("The state of the pyramid")}
