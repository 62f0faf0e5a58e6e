"""The pyramids that readers are shown, built and served by the real service, and what must be found in them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from benchmark.served import ZIGGURAT, served, settings_of
from oracle import NativeCells, OracleTile, paint

SHAPE = 1100, 700
"""Ragged: three rows of two chunks in a shard of level 0, and twelve levels down to one cell."""

TRANSFORM = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0)
EPSG = 32633
SENTINEL = -9999

METRICS = {"max": SENTINEL, "mean": None}
"""Nodata of each: that of the tiles in int16; NaN, which JSON has no word for, in float32."""


@contextmanager
def served_cases(folder: Path) -> Iterator[Path]:
    """`cases.json` below a folder, as long as the service runs that it names."""
    native = paint([OracleTile(0, 0, _cells(), nodata=SENTINEL)])
    _build(folder, native.values, native.valid)
    with served(folder, {}) as service:
        cases = [_describe(folder, service.port, native, metric) for metric in METRICS]
        path = folder / "cases.json"
        path.write_text(json.dumps(cases))
        yield path


def _cells() -> np.ndarray:
    cells = np.random.default_rng(11).integers(-400, 4000, SHAPE).astype(np.int16)
    cells[:520, :530] = SENTINEL  # one chunk is all nodata
    cells[900, ::3] = SENTINEL
    return cells


def _build(folder: Path, values: np.ndarray, valid: np.ndarray) -> None:
    with rasterio.open(
        folder / "shown.tif",
        "w",
        driver="GTiff",
        height=SHAPE[0],
        width=SHAPE[1],
        count=1,
        dtype=values.dtype,
        transform=TRANSFORM,
        crs=f"EPSG:{EPSG}",
        nodata=SENTINEL,
    ) as raster:
        raster.write(np.where(valid, values, SENTINEL).astype(values.dtype), 1)
    for words in (("add", "shown", "shown.tif", "--create"), ("build", "shown", "--metric", ",".join(METRICS))):
        subprocess.run(
            [*ZIGGURAT, *words],
            env=os.environ | settings_of(folder),
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _describe(folder: Path, port: int, native: NativeCells, metric: str) -> dict[str, Any]:
    state = _get(port, f"/terrain/shown/pyramid/{metric}")
    service = f"http://127.0.0.1:{port}"
    return {
        "metric": metric,
        "epsg": EPSG,
        "nodata": METRICS[metric],
        "ways": {
            "disk": state["store_url"],
            "HTTP sharded": service + state["zarr_url"],
            "HTTP unsharded": service + state["zarr_url"].replace("/zarr/", "/unsharded/"),
            "VRT": service + state["vrt_url"],
        },
        "levels": [_save_level(folder, native, metric, level) for level in range(native.level_count)],
    }


def _save_level(folder: Path, native: NativeCells, metric: str, level: int) -> dict[str, Any]:
    values, has_data = native.mean(level) if metric == "mean" else native.extreme(level, metric)
    cells = np.where(has_data, values.astype(np.float64), np.nan)
    name = f"{metric}-{level}.f8"
    cells.astype("<f8").tofile(folder / name)
    transform = TRANSFORM @ Affine.scale(2**level)
    return {"shape": cells.shape, "transform": transform[:6], "cells": name}


def _get(port: int, path: str) -> Any:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        return json.load(connection.getresponse())
