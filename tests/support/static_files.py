"""A folder behind HTTP, with ranges, as any web server has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from rest import running
from service.serving import listen


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a folder."""
    app = Starlette(routes=[Mount("/", StaticFiles(directory=folder))])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with listen("127.0.0.1", 0) as listening, running(server, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
