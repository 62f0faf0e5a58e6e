"""The REST service of an installation, within the test or behind a real socket, and what its answers owe."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.testclient import TestClient

from installations import Installation
from service.app import create_app

PROBLEM = "application/problem+json"


@contextmanager
def open_client(installation: Installation, **settings: Any) -> Iterator[TestClient]:
    """The service without a socket; a defect is an answer with status 500, as on a real one."""
    app = create_app(installation.settings(**settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


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


def add_terrain(client: httpx.Client, name: str, *tiles: dict[str, Any], **fields: Any) -> int:
    """Create a terrain and register its tiles; its id."""
    made = client.post("/terrain", json={"name": name, **fields})
    assert made.status_code == 201, made.text
    if tiles:
        registered = client.post(f"/terrain/{name}/tile", json={"tiles": list(tiles)})
        assert registered.status_code == 201, registered.text
    terrain_id: int = made.json()["id"]
    return terrain_id
