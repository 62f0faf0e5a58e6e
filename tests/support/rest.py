"""The REST service over an installation: requests that answer, and problems that must be clear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import numpy as np
from starlette.testclient import TestClient

from installations import Installation
from service.app import create_app
from service.settings import Settings

GOLDEN = [
    [1, 41, 37, 12, 0, 66, 36],
    [3, 62, 23, 7, 2, 31, 21],
    [87, 12, 34, 32, 34, 7, 12],
    [5, 3, 13, 74, 53, 15, 1],
    [15, 0, 17, 41, 59, 21, 0],
]
"""The worked example, and its levels under max."""

GOLDEN_LEVELS = [
    GOLDEN,
    [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]],
    [[87, 66], [41, 59]],
    [[87]],
]


def settings_of(installation: Installation, **changed: Any) -> Settings:
    """The settings of an installation, some of them changed."""
    return Settings(
        database_url=f"sqlite:///{installation.folder / 'catalog.db'}",
        store_url=installation.folder / "pyramids",
        tile_root=(installation.tiles,),
    ).model_copy(update=changed)


@contextmanager
def served(installation: Installation, **changed: Any) -> Iterator[TestClient]:
    """A client of the service, which runs in this process."""
    with TestClient(
        create_app(settings_of(installation, **changed)), raise_server_exceptions=False
    ) as client:
        yield client


def save_golden(installation: Installation) -> None:
    """The worked example's two tiles."""
    cells = np.array(GOLDEN, np.int16)
    np.save(installation.tiles / "west.npy", cells[:, :4])
    np.save(installation.tiles / "east.npy", cells[:, 4:])


def create_golden(client: TestClient, name: str = "golden") -> None:
    """The worked example, registered."""
    assert client.post("/terrain", json={"name": name, "unit": "m"}).status_code == 201
    tiles = [{"url": "west.npy", "x": 0, "y": 0}, {"url": "east.npy", "x": 4, "y": 0}]
    assert client.post(f"/terrain/{name}/tile", json={"tiles": tiles}).status_code == 201


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem an answer is, which has to be complete and must not show internals."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["request_id"] == answer.headers["x-request-id"]
    for internal in ("Traceback", "sqlalchemy", "site-packages", 'File "'):
        assert internal not in answer.text
    return body
