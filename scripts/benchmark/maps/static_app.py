"""Starlette's static files under the same uvicorn: the floor of sending bytes."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

app = Starlette(
    routes=[
        Route("/ready", lambda request: Response()),
        Mount("/", StaticFiles(directory=os.environ["BENCHMARK_FILES"])),
    ]
)
