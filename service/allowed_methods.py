"""Which methods an address has, for answers to those that it has not."""

from __future__ import annotations

from fastapi import Request
from starlette.routing import Match

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(request: Request) -> list[str]:
    """The methods that any route takes at the request's path. A path may be that of several routes."""
    return [method for method in METHODS if _is_taken(request, method)]


def _is_taken(request: Request, method: str) -> bool:
    asked = {**request.scope, "method": "GET" if method == "HEAD" else method}
    return any(route.matches(asked)[0] is Match.FULL for route in request.app.router.routes)
