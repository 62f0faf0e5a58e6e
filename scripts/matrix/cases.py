"""Pyramids that readers are shown, built and served by the real service, and what is to be found in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from benchmark.served import served
from oracle import NativeCells, OracleTile, paint

UTM = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0)
CELLS = Affine(1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
"""Where a terrain lies that says nothing about it."""

SENTINEL = -9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A terrain of int16 cells."""

    name: str
    kind: str
    """What sets it apart; empty for a common one."""
    shape: tuple[int, int]
    epsg: int | None
    transform: Affine
    metrics: tuple[str, ...]


TERRAINS = (
    # each has several ragged chunks in the shard of level 0, and a chunk for the coarsest levels
    Shown(name="wide", kind="", shape=(700, 1100), epsg=32633, transform=UTM, metrics=("max", "mean")),
    Shown(
        name="tall", kind="higher than wide", shape=(1040, 20), epsg=32633, transform=UTM, metrics=("max",)
    ),
    Shown(name="bare", kind="without a CRS", shape=(20, 1040), epsg=None, transform=CELLS, metrics=("max",)),
)


@contextmanager
def served_cases(folder: Path) -> Iterator[Path]:
    """`cases.json` below a folder, as long as the service runs that it names."""
    with served(folder, {}) as service:
        cases = [case for shown in TERRAINS for case in _add(folder, service.port, shown)]
        path = folder / "cases.json"
        path.write_text(json.dumps(cases))
        yield path


def _add(folder: Path, port: int, shown: Shown) -> Iterator[dict[str, Any]]:
    """Register and build a terrain; what must be found in each of its pyramids."""
    cells = np.random.default_rng(11).integers(-400, 4000, shown.shape).astype(np.int16)
    cells[:520, : shown.shape[1] // 2] = SENTINEL  # of `wide` one chunk is all nodata
    cells[-1, ::3] = SENTINEL
    np.save(folder / f"{shown.name}.npy", cells)
    place = {"crs": f"EPSG:{shown.epsg}", "anchor_transform": shown.transform[:6]} if shown.epsg else {}
    _ask(port, "/terrain", {"name": shown.name, **place})
    tile = {"url": f"{shown.name}.npy", "x": 0, "y": 0, "nodata": SENTINEL}
    _ask(port, f"/terrain/{shown.name}/tile", {"tiles": [tile]})
    native = paint([OracleTile(0, 0, cells, nodata=SENTINEL)])
    for metric in shown.metrics:
        state = _ask(port, f"/terrain/{shown.name}/pyramid/{metric}", {})
        yield {
            "kind": shown.kind,
            "metric": metric,
            "epsg": shown.epsg,
            # of a mean, which is float32, it is NaN, which JSON has no word for
            "nodata": None if metric == "mean" else SENTINEL,
            "ways": _ways(f"http://127.0.0.1:{port}", state),
            "levels": [_save_level(folder, shown, native, metric, k) for k in range(native.level_count)],
        }


def _ways(service: str, state: dict[str, Any]) -> dict[str, str]:
    return {
        "disk": state["store_url"],
        "HTTP sharded": service + state["zarr_url"],
        "HTTP unsharded": service + state["zarr_url"].replace("/zarr/", "/unsharded/"),
        "VRT": service + state["vrt_url"],
    }


def _save_level(folder: Path, shown: Shown, native: NativeCells, metric: str, level: int) -> dict[str, Any]:
    values, has_data = native.mean(level) if metric == "mean" else native.extreme(level, metric)
    cells = np.where(has_data, values.astype(np.float64), np.nan)
    name = f"{shown.name}-{metric}-{level}.f8"
    cells.astype("<f8").tofile(folder / name)
    transform = shown.transform @ Affine.scale(2**level)
    return {"shape": cells.shape, "transform": transform[:6], "cells": name}


def _ask(port: int, path: str, sent: dict[str, Any]) -> Any:
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        connection.request("POST", path, json.dumps(sent), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path}: {text}")
        return json.loads(text)
