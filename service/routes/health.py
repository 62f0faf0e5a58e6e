"""Whether this process lives and can serve."""

from __future__ import annotations

from fastapi import APIRouter

from service.desk import GivenDesk
from service.schemas import HealthBody

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> HealthBody:
    """The process answers. Touches nothing, so it answers while everything else is busy."""
    return HealthBody(status="live")


@router.get("/ready")
async def ready(desk: GivenDesk) -> HealthBody:
    """The catalogue can be read and its schema is the one this version needs."""
    await desk.run(desk.house.database.check_revision)
    return HealthBody(status="ready")
