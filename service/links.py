"""Addresses within the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line names addresses, too, and need not wait for it
    from fastapi import Request


def pyramid_path(terrain: str, metric: str) -> str:
    """Where the state of a pyramid is told."""
    return f"/terrain/{terrain}/pyramid/{metric}"


def zarr_path(terrain: str, metric: str, generation: str) -> str:
    """Where a generation of a pyramid is served as a Zarr group; it never means another one."""
    return f"/terrain/{terrain}/zarr/{metric}/{generation}"


def unsharded_path(terrain: str, metric: str, generation: str) -> str:
    """Where the same is served as a group without shards."""
    return f"/terrain/{terrain}/unsharded/{metric}/{generation}"


def map_path(terrain: str, metric: str) -> str:
    """Where the maps of a pyramid are served; `metric` may be `default`, or have `@` and a generation."""
    return f"/terrain/{terrain}/map/{metric}"


def next_page(request: Request, cursor: str | None) -> str | None:
    """The address of the page after this one, with the same filters; None on the last."""
    if cursor is None:
        return None
    address = request.url.include_query_params(after=cursor)
    return f"{address.path}?{address.query}"


def registration_path(terrain: str, registration_id: str) -> str:
    """Where the state of a registration is told."""
    return f"/terrain/{terrain}/registration/{registration_id}"
