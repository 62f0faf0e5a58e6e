"""The REST service of an installation, within the test or behind a real socket, and what its answers owe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, partialmethod
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import numpy as np
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select, text

from catalog.database import Database, WriteSession, open_database
from catalog.model_base import Base
from catalog.models import Generation
from described import Description
from disclosed import disclosed
from installations import Installation
from make_small_terrains import GOLDEN
from service.app import create_app
from service.server import LeavingServer
from service.serving import listen

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class AppClient:
    """A client of an application in this process, without a socket."""

    portal: BlockingPortal
    client: httpx.AsyncClient
    app: FastAPI
    description: Description | None = None
    """What every answer has to be in accord with."""

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        answer = self.portal.call(partial(self.client.request, method, url, **options))
        if self.description is not None:
            self.description.check(answer)
        return answer

    get = partialmethod(request, "GET")
    head = partialmethod(request, "HEAD")
    post = partialmethod(request, "POST")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")


Client = AppClient | httpx.Client


@contextmanager
def open_client(installation: Installation, **settings: Any) -> Iterator[AppClient]:
    """The service without a socket; a defect is an answer with status 500, as on a real one."""
    app = create_app(installation.settings(**{"allowed_hosts": ("ziggurat",), **settings}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        portal.wrap_async_context_manager(
            httpx.AsyncClient(transport=transport, base_url="http://ziggurat")
        ) as client,
    ):
        yield AppClient(portal, client, app, Description(app.openapi()))


@contextmanager
def serve(installation: Installation, **settings: Any) -> Iterator[str]:
    """The service on a port of its own, in a thread; its address."""
    chosen = installation.settings(**settings)
    server = LeavingServer(create_app(chosen), chosen)
    with listen("127.0.0.1", 0) as listening, running(server, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def running(server: uvicorn.Server, listening: socket) -> Iterator[None]:
    """The server in a thread; it has ended on leaving."""
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.005)
    try:
        yield
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
    assert disclosed(answer.text) == []
    return problem


def until(reached: Callable[[], bool]) -> None:
    """Wait until something is so; it has to be soon."""
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def figure(client: Client, name: str, **labels: str) -> float:
    """A figure of the service, of all series with these labels together; 0 when there is none."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def add_terrain(client: Client, name: str, *tiles: dict[str, Any], **fields: Any) -> int:
    """Create a terrain and register its tiles; its id."""
    made = client.post("/terrain", json={"name": name, **fields})
    assert made.status_code == 201, made.text
    if tiles:
        registered = client.post(f"/terrain/{name}/tile", json={"tiles": list(tiles)})
        assert registered.status_code == 201, registered.text
    terrain_id: int = made.json()["id"]
    return terrain_id


def add_golden(installation: Installation, client: Client) -> int:
    """The golden terrain of the design as two tiles, west.npy and east.npy; its id."""
    cells = np.array(GOLDEN, dtype=np.int16)
    np.save(installation.tiles / "west.npy", cells[:, :4])
    np.save(installation.tiles / "east.npy", cells[:, 4:])
    west, east = map(installation.offer_tile, ("west.npy", "east.npy"))
    tiles = {"url": west, "x": 0, "y": 0}, {"url": east, "x": 4, "y": 0}
    return add_terrain(client, "golden", *tiles, unit="m")


def cover_cell(
    installation: Installation, client: Client, name: str, value: int, *, x: int = 0, y: int = 0
) -> None:
    """Register one more tile of the golden terrain: a cell of this value over what lies there."""
    np.save(installation.tiles / name, np.array([[value]], dtype=np.int16))
    tile = {"url": installation.offer_tile(name), "x": x, "y": y, "priority": 9}
    assert client.post("/terrain/golden/tile", json={"tiles": [tile]}).status_code == 201


@contextmanager
def hold_catalogue(installation: Installation) -> Iterator[WriteSession]:
    """Hold the catalogue's write lock: builds wait before they publish, readers read on.

    What is written through the session is committed when the lock is let go. Others wait for
    `Limits.lock_wait_s`, so what is done meanwhile must not take long.
    """
    with _opened(installation) as database, database.write() as session:
        if database.is_shared:
            session.execute(text(f"LOCK TABLE {', '.join(Base.metadata.tables)} IN EXCLUSIVE MODE"))
        yield session


def generation_count(installation: Installation) -> int:
    """Generations that were ever published."""
    return row_count(installation, Generation)


def row_count(installation: Installation, table: type[Base]) -> int:
    """Rows of a table of the catalogue."""
    with _opened(installation) as database, database.read() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


@contextmanager
def _opened(installation: Installation) -> Iterator[Database]:
    database = open_database(installation.database_url)
    try:
        yield database
    finally:
        database.dispose()


class OpenedFiles:
    """Files this process opens below a folder, while it is watched."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self.paths: list[str] = []
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self._folder is not None and str(arguments[0]).startswith(self._folder):
            self.paths.append(str(arguments[0]))

    @contextmanager
    def below(self, folder: Path) -> Iterator[list[str]]:
        """Watch a folder; what was opened, one entry for each time."""
        self._folder, self.paths = f"{folder}/", []
        try:
            yield self.paths
        finally:
            self._folder = None


opened_files = OpenedFiles()
"""One for the process: an audit hook is for ever."""
