"""Figures of this process, for Prometheus to collect."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from service.monitoring import Monitor

router = APIRouter(tags=["health"])


MEDIA_TYPES = (CONTENT_TYPE_PLAIN_0_0_4, CONTENT_TYPE_LATEST)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "The figures, as text or in the format OpenMetrics",
            "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA_TYPES},
        }
    },
)
async def get_metrics(
    request: Request, accept: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Response:
    """Requests, connections, threads, builds, reads of the store, sources and the process, counted."""
    monitor: Monitor = request.app.state.monitor
    encode, media_type = choose_encoder(accept or "")
    return Response(encode(monitor.registry), headers={"Content-Type": media_type})
