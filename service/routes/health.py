"""Whether this process lives and can serve."""

from __future__ import annotations

from fastapi import APIRouter

from catalog.errors import CatalogUnavailable, SchemaOutdated
from service.desk import GivenDesk
from service.problems import problem_responses
from service.schemas import HealthBody

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> HealthBody:
    """The process answers. Touches nothing, so it answers while everything else is busy."""
    return HealthBody(status="live")


@router.get("/ready", responses=problem_responses(CatalogUnavailable, SchemaOutdated))
async def ready(desk: GivenDesk) -> HealthBody:
    """The catalogue can be read and its schema is the one this version needs."""
    await desk.run(desk.house.database.check_revision)
    return HealthBody(status="ready")
