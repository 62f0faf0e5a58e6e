"""Values at many points of a terrain of SRTM's size and shape: what a request costs the service."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from benchmark.served import Service, command_of, served

TILE, ROWS, COLS = 1200, 2, 4
CELL_DEGREES = 1 / TILE
WEST, NORTH = 6.0, 49.0
NODATA = -32768
CHUNK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request, and how many chunks hold the cells it is about; None where that is not counted."""

    path: str
    body: Mapping[str, Any] | None
    chunk_count: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one request took."""

    wall_s: float
    cpu_s: float
    chunk_count: int


def measure_points(folder: Path, point_count: int, rounds: int) -> str:
    """A table: each kind of request, medians of several rounds."""
    _add_terrain(folder)
    rows: dict[str, list[Measured]] = {}
    asked = dict(_questions(point_count))
    with served(folder, {}) as service:
        for number in range(-1, rounds):
            for name, question in asked.items():
                measured = _ask(service, question)
                if number >= 0:  # the first ones open what stays open
                    rows.setdefault(name, []).append(measured)
    return make_table(asked, rows, rounds)


def make_table(asked: Mapping[str, Question], rows: Mapping[str, list[Measured]], rounds: int) -> str:
    """What was measured, as Markdown."""
    about = f"{ROWS * TILE} x {COLS * TILE} cells of int16 in degrees, {ROWS * COLS} tiles"
    told = [
        f"{about}, one request after the other, medians of {rounds} interleaved rounds.\n",
        "| One request | ms | service's CPU ms | chunks decoded | chunks that hold the cells |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, each in rows.items():
        wall_ms, cpu_ms = (
            1e3 * median(values) for values in zip(*((m.wall_s, m.cpu_s) for m in each), strict=True)
        )
        (decoded,) = {m.chunk_count for m in each}
        holding = asked[name].chunk_count
        told.append(
            f"| {name} | {wall_ms:.1f} | {cpu_ms:.0f} | {decoded} | {'' if holding is None else holding} |"
        )
    return "\n".join(told) + "\n"


def _add_terrain(folder: Path) -> None:
    rows, cols = np.mgrid[0 : ROWS * TILE, 0 : COLS * TILE]
    rough = np.random.default_rng(7).normal(0, 4, rows.shape)
    heights = (700 + 400 * np.sin(rows / 170) * np.cos(cols / 230) + rough).astype(np.int16)
    heights[(rows % 487 < 9) & (cols % 391 < 13)] = NODATA
    for row in range(ROWS):
        for col in range(COLS):
            _write_tile(folder, heights, row, col)
    command_of(folder, "add", "rhine", "*.tif", "--create")
    command_of(folder, "build", "rhine", "--metric", "mean")


def _write_tile(folder: Path, heights: np.ndarray, row: int, col: int) -> None:
    place = Affine(CELL_DEGREES, 0, WEST + col, 0, -CELL_DEGREES, NORTH - row)
    profile = {"driver": "GTiff", "dtype": "int16", "nodata": NODATA, "count": 1, "crs": "EPSG:4326"}
    with rasterio.open(
        folder / f"rhine-{row}-{col}.tif", "w", height=TILE, width=TILE, transform=place, **profile
    ) as tile:
        tile.write(heights[row * TILE : (row + 1) * TILE, col * TILE : (col + 1) * TILE], 1)


def _questions(point_count: int) -> Iterator[tuple[str, Question]]:
    rng = np.random.default_rng(1)
    lons = rng.uniform(WEST, WEST + COLS, point_count)
    lats = rng.uniform(NORTH - ROWS, NORTH, point_count)
    points = [{"lon": lon, "lat": lat} for lon, lat in zip(lons.tolist(), lats.tolist(), strict=True)]
    rows, cols = (NORTH - lats) / CELL_DEGREES, (lons - WEST) / CELL_DEGREES
    for interpolation, around in (("nearest", (0.0,)), ("bilinear", (-0.5, 0.5))):
        yield (
            f"{point_count:,} points, {interpolation}",
            Question(
                path="/terrain/rhine/elevation",
                body={"points": points, "interpolation": interpolation},
                chunk_count=_count_chunks(rows, cols, around),
            ),
        )
    line = [points[0], points[1], points[2]]
    yield (
        f"profile of {point_count:,} samples",
        Question(
            path="/terrain/rhine/profile",
            body={"line": line, "samples": point_count},
            chunk_count=None,
        ),
    )
    one = f"/terrain/rhine/elevation?lon={lons[0]}&lat={lats[0]}"
    yield "1 point, nearest", Question(path=one, body=None, chunk_count=1)


def _count_chunks(rows: np.ndarray, cols: np.ndarray, around: tuple[float, ...]) -> int:
    """Chunks of the cells whose centres lie around points, by other arithmetic than the service's."""
    return len(
        {
            (row // CHUNK, col // CHUNK)
            for down in around
            for right in around
            for row, col in zip(
                np.clip(np.floor(rows + down), 0, ROWS * TILE - 1).astype(int).tolist(),
                np.clip(np.floor(cols + right), 0, COLS * TILE - 1).astype(int).tolist(),
                strict=True,
            )
        }
    )


def _ask(service: Service, question: Question) -> Measured:
    before, decoded = service.cpu_s(), _decoded(service)
    begun = time.perf_counter()
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
        content = None if question.body is None else json.dumps(question.body)
        method = "GET" if content is None else "POST"
        connection.request(method, question.path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
    wall_s = time.perf_counter() - begun
    if answer.status != 200:
        raise RuntimeError(told.decode())
    return Measured(wall_s, service.cpu_s() - before, _decoded(service) - decoded)


def _decoded(service: Service) -> int:
    """Chunks that the service has read for values so far, as its figures say."""
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    (count,) = re.findall(r'^ziggurat_values_total\{what="chunks"\} (\S+)$', text, re.MULTILINE)
    return round(float(count))
