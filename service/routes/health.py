"""Whether this process lives, and whether it should be sent requests."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from catalog.errors import CatalogUnavailable, SchemaOutdated
from service.description.problems import problem_responses
from service.errors import NotReady
from service.readiness import Readiness

router = APIRouter(prefix="/health", tags=["health"])


class HealthBody(BaseModel):
    """What the health routes say."""

    status: Literal["live", "ready"]


@router.get("/live")
async def live() -> HealthBody:
    """The process answers. Touches nothing, so it answers while everything else is busy."""
    return HealthBody(status="live")


@router.get("/ready", responses=problem_responses(NotReady, SchemaOutdated, CatalogUnavailable))
async def ready(request: Request) -> HealthBody:
    """The service has started, the catalogue has the schema it needs, and it is not shutting down.

    Looks nothing up. A catalogue that cannot be reached does not make a replica unready: all of
    them share it.
    """
    readiness: Readiness = request.app.state.readiness
    readiness.check()
    return HealthBody(status="ready")
