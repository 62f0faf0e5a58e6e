"""The REST service of an installation, within the test or behind a real socket, and what its answers owe."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal

from installations import Installation
from make_small_terrains import GOLDEN
from service.app import create_app

PROBLEM = "application/problem+json"

GOLDEN_LEVELS: list[list[list[int]]] = [
    [list(row) for row in GOLDEN],
    [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]],
    [[87, 66], [41, 59]],
    [[87]],
]
"""The worked example of the design, level by level under max."""


@dataclass(frozen=True)
class AppClient:
    """A client of an application in this process, without a socket."""

    portal: BlockingPortal
    client: httpx.AsyncClient

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self.portal.call(partial(self.client.request, method, url, **options))

    get = partialmethod(request, "GET")
    head = partialmethod(request, "HEAD")
    post = partialmethod(request, "POST")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")


Client = AppClient | httpx.Client


@contextmanager
def open_client(installation: Installation, **settings: Any) -> Iterator[AppClient]:
    """The service without a socket; a defect is an answer with status 500, as on a real one."""
    app = create_app(installation.settings(**settings))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        portal.wrap_async_context_manager(
            httpx.AsyncClient(transport=transport, base_url="http://ziggurat")
        ) as client,
    ):
        yield AppClient(portal, client)


@contextmanager
def serve(installation: Installation, **settings: Any) -> Iterator[str]:
    """The service on a port of its own, in a thread; its address."""
    config = uvicorn.Config(
        create_app(installation.settings(**settings)), port=0, log_level="critical", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.005)
    (listening,) = server.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def problem_in(answer: httpx.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    """The answer's problem: of this status and kind, with its request's id, and nothing of our inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["title"]
    if kind is not None:
        assert problem["type"] == f"/problems/{kind}"
    for inside in ("Traceback", 'File "', ".py", "sqlalchemy", "sqlite", "rasterio"):
        assert inside not in answer.text
    return problem


def add_terrain(client: Client, name: str, *tiles: dict[str, Any], **fields: Any) -> int:
    """Create a terrain and register its tiles; its id."""
    made = client.post("/terrain", json={"name": name, **fields})
    assert made.status_code == 201, made.text
    if tiles:
        registered = client.post(f"/terrain/{name}/tile", json={"tiles": list(tiles)})
        assert registered.status_code == 201, registered.text
    terrain_id: int = made.json()["id"]
    return terrain_id


def add_golden(client: httpx.Client, installation: Installation) -> int:
    """The worked example in two tiles, west.npy and east.npy, registered and not built; its id."""
    cells = np.array(GOLDEN, dtype=np.int16)
    np.save(installation.tiles / "west.npy", cells[:, :4])
    np.save(installation.tiles / "east.npy", cells[:, 4:])
    tiles = {"url": "west.npy", "x": 0, "y": 0}, {"url": "east.npy", "x": 4, "y": 0}
    return add_terrain(client, "golden", *tiles, unit="m")
