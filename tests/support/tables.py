"""Tables of tiles, and the files they name."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from installations import Installation
from rest import Client

SIDE = 4
"""Cells a side of every tile."""

COLUMNS = 100
"""Tiles side by side."""

NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}


def declared(number: int, **changed: Any) -> dict[str, Any]:
    """The row of a tile, of which everything is said."""
    place = {"x": number % COLUMNS * SIDE, "y": number // COLUMNS * SIDE}
    cells = {"height": SIDE, "width": SIDE, "dtype": "int16", "nodata": -9999}
    return {"url": f"{number}.npy", **place, **cells, **changed}


def save_tiles(folder: Path, count: int) -> None:
    """Files of equal cells: links to one, which is faster."""
    np.save(folder / "0.npy", np.full((SIDE, SIDE), 7, np.int16))
    for number in range(1, count):
        os.link(folder / "0.npy", folder / f"{number}.npy")


def ndjson(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def ended(client: Client, address: str, seconds: float = 120) -> dict[str, Any]:
    """A registration when it has ended."""
    until = time.monotonic() + seconds
    while True:
        job: dict[str, Any] = client.get(address).json()
        if job["state"] not in {"queued", "running"}:
            return job
        assert time.monotonic() < until, job
        time.sleep(0.02)


def send(client: Client, terrain: str, body: bytes, headers: dict[str, str]) -> str:
    """Send a table; where its registration is."""
    answer = client.post(f"/terrain/{terrain}/tile", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    address: str = answer.headers["location"]
    assert address == f"/terrain/{terrain}/registration/{answer.json()['id']}"
    return address


def spooled(installation: Installation) -> list[str]:
    """Files in the spool."""
    return sorted(path.name for path in (installation.folder / "spool").glob("*"))
