"""Addresses within the service, and pages' `next` links."""

from __future__ import annotations

from fastapi import Request, Response


def pyramid_path(terrain: str, metric: str) -> str:
    """Where the state of a pyramid is told."""
    return f"/terrain/{terrain}/pyramid/{metric}"


def add_next_link(request: Request, response: Response, cursor: str | None) -> str | None:
    """Point at the page after this one, in the `Link` header and for the body; None on the last."""
    if cursor is None:
        return None
    address = request.url.include_query_params(after=cursor)
    following = f"{address.path}?{address.query}"
    response.headers["Link"] = f'<{following}>; rel="next"'
    return following
