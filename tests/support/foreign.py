"""A service that takes tiles from a server of the test, and what it says of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from rest import AppClient, add_terrain, problem_in
from service.source_settings import SourceSettings


def sources(folder: Path, **more: Any) -> SourceSettings:
    """Any host of the loopback address 127.0.0.1; impatient."""
    given = {"hosts": ["*:*"], "networks": ["127.0.0.1/32"], "cache": folder / "cache", "timeout_s": 2}
    return SourceSettings.model_validate({**given, **more})


def npy(cells: np.ndarray) -> bytes:
    """Cells as a .npy file."""
    file = io.BytesIO()
    np.save(file, cells)
    return file.getvalue()


def large(seed: int = 0) -> np.ndarray:
    """Cells of more bytes than are fetched to look at a file's header."""
    return np.random.default_rng(seed).integers(-400, 4000, (400, 300), np.int16)


def register(client: AppClient, *urls: str, **more: Any) -> httpx.Response:
    """Ask for tiles of the terrain alps, side by side; it is made when it is not there."""
    if client.get("/terrain/alps").status_code == 404:
        add_terrain(client, "alps")
    tiles = [{"url": url, "x": 1000 * at, "y": 0, **more} for at, url in enumerate(urls)]
    answer: httpx.Response = client.post("/terrain/alps/tile", json={"tiles": tiles})
    return answer


def reason_of(answer: httpx.Response) -> tuple[str, str]:
    """Kind and reason of the one tile that was refused."""
    (error,) = problem_in(answer, 422, "registration-refused")["errors"]
    return error["type"].removeprefix("/problems/"), error["reason"]


def tile_id(answer: httpx.Response) -> int:
    """Of the one tile that was registered."""
    assert answer.status_code == 201, answer.text
    (tile,) = answer.json()["tiles"]
    found: int = tile["id"]
    return found
