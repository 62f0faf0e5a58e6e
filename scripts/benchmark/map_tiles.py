"""Map tiles of one terrain: Ziggurat beside TiTiler on a COG; level windows beside a static file server."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import morecantile
import rasterio
from rasterio.warp import transform_bounds

from benchmark.asking import Pass, Question, ask_all
from benchmark.build import run_script
from benchmark.memory import make_tiles
from benchmark.served import Service, app_served, command_of, served

RESCALE = "200,4000"
MATRIX_SET = "WebMercatorQuad"
PLACE = "{z}/{x}/{y}.png"
CACHE_MIB = 512
"""What each of the two may keep decoded; GDAL would take a twentieth of the machine's memory."""

LEVEL = 2
WINDOWS = (64, 256, 1024)
"""Cells a side of the windows of that level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is asked."""

    rounds: int
    tiles: int
    """Of each zoom, at most."""

    repeats: int
    """Passes over all map tiles once they are warm."""

    clients: int


@dataclass(slots=True)
class Contestant:
    """Who answers, and what came of it."""

    name: str
    serve: Callable[[], AbstractContextManager[Service]]
    address: str
    """With places for z, x and y."""

    cold: list[Pass] = field(default_factory=list)
    warm: list[Pass] = field(default_factory=list)

    def ask_for(self, tiles: Sequence[morecantile.Tile]) -> list[Question]:
        return [Question(tile.z, self.address.format(z=tile.z, x=tile.x, y=tile.y)) for tile in tiles]


def compare_map_tiles(folder: Path, size: int, effort: Effort) -> str:
    """Ask both for the same map tiles in turn, in fresh processes; Markdown tables of the medians."""
    cog = _prepare(folder, size)
    tiles, spare = _choose_tiles(cog, effort.tiles)
    generation = _generation_of(folder)
    contestants = (
        Contestant(
            "Ziggurat",
            lambda: served(folder, {"ZIGGURAT_CHUNK_CACHE": f"{CACHE_MIB}MiB"}),
            f"/terrain/massif/map/mean@{generation}/{MATRIX_SET}/viridis;rescale={RESCALE}/" + PLACE,
        ),
        Contestant(
            "TiTiler, COG",
            lambda: app_served(
                "benchmark.maps.titiler_app:app",
                {"BENCHMARK_COG": str(cog), "GDAL_CACHEMAX": str(CACHE_MIB)},
            ),
            f"/tiles/{MATRIX_SET}/{PLACE}?rescale={RESCALE}&colormap_name=viridis",
        ),
    )
    for number in range(1, effort.rounds + 1):
        for contestant in contestants:
            _measure(contestant, tiles, spare, effort)
        print(f"round {number} of {effort.rounds}", flush=True)
    windows = compare_windows(folder, size, effort)
    caption = (
        f"{size} x {size} cells of float32 in UTM, {len(tiles)} map tiles of 256 x 256 cells as PNG in "
        "viridis, "
        f"{os.cpu_count()} cores for one process of each service and {effort.clients} clients, medians of "
        f"{effort.rounds} interleaved rounds. Each process may keep {CACHE_MIB} MiB decoded. Cold: a fresh "
        "process, each map tile once; files are in the system's cache."
    )
    return "\n\n".join([caption, make_table(*contestants), make_zoom_table(*contestants), windows]) + "\n"


def _prepare(folder: Path, size: int) -> Path:
    """The same tiles as a COG with averages as overviews, and as a pyramid of means; made once."""
    tiles = make_tiles(folder, size, "float32")
    cog = tiles.with_suffix(".cog.tif")
    if not cog.exists():
        out = folder / "cog"
        shutil.rmtree(out, ignore_errors=True)
        run_script("tiles/gdal_cog.py", str(tiles), "-", str(out))
        (out / "cog.tif").rename(cog)
    if not (folder / "catalog.db").exists():
        command_of(folder, "add", "--create", "massif", str(tiles / "*.tif"))
        command_of(folder, "build", "massif", "--metric", "mean")
    return cog


def _choose_tiles(cog: Path, count: int) -> tuple[list[morecantile.Tile], morecantile.Tile]:
    """Up to so many map tiles of each zoom that the terrain fills, mixed, and one more to begin with."""
    matrix_set = morecantile.tms.get(MATRIX_SET)
    with rasterio.open(cog) as file:
        west, south, east, north = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
        width_m = file.bounds.right - file.bounds.left
        finest = matrix_set.zoom_for_res(file.res[0], zoom_level_strategy="upper")
    coarsest = matrix_set.zoom_for_res(width_m / 256, zoom_level_strategy="lower")
    # the terrain's frame is turned in the map: its middle is filled
    inner = (
        west + (east - west) / 8,
        south + (north - south) / 8,
        east - (east - west) / 8,
        north - (north - south) / 8,
    )
    choose = random.Random(1)  # noqa: S311 - the same ones each time
    chosen: list[morecantile.Tile] = []
    for zoom in range(coarsest, finest + 1):
        of_zoom = list(matrix_set.tiles(*inner, [zoom]))
        chosen += choose.sample(of_zoom, min(count, len(of_zoom)))
    choose.shuffle(chosen)
    return chosen, matrix_set.tile((west + east) / 2, (south + north) / 2, finest)


def _generation_of(folder: Path) -> str:
    found = next((folder / "pyramids" / "massif" / "mean").glob("latest.json"))
    return str(json.loads(found.read_text())["generation"])


def _measure(
    contestant: Contestant, tiles: Sequence[morecantile.Tile], spare: morecantile.Tile, effort: Effort
) -> None:
    with contestant.serve() as service:
        ask_all(service, contestant.ask_for([spare]), 1)  # what a process loads at its first answer
        questions = contestant.ask_for(tiles)
        contestant.cold.append(ask_all(service, questions, effort.clients))
        contestant.warm.append(ask_all(service, questions * effort.repeats, effort.clients))


def make_table(ours: Contestant, other: Contestant) -> str:
    """Both, cold and warm, and the ratio of their map tiles a second."""
    rows = [
        "| | map tiles/s | p50 ms | p99 ms | CPU ms each | kB each | Ziggurat's map tiles/s ÷ its |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for state in ("cold", "warm"):
        mine: list[Pass] = getattr(ours, state)
        for contestant in (ours, other):
            passes: list[Pass] = getattr(contestant, state)
            ratio = median(our.rate / its.rate for our, its in zip(mine, passes, strict=True))
            rows.append(
                f"| {contestant.name}, {state} | {_median(passes, lambda each: each.rate):.0f} "
                f"| {_median(passes, lambda each: each.percentile_ms(50)):.1f} "
                f"| {_median(passes, lambda each: each.percentile_ms(99)):.1f} "
                f"| {_median(passes, lambda each: each.cpu_ms):.1f} "
                f"| {_median(passes, lambda each: each.kilobytes):.1f} | {ratio:.1f} |"
            )
    return "\n".join(rows)


def make_zoom_table(ours: Contestant, other: Contestant) -> str:
    """Median times and bytes of both at each zoom."""
    names = (ours.name, other.name)
    heads = ["zoom", "map tiles"]
    heads += [f"{name}, {state} p50 ms" for state in ("cold", "warm") for name in names]
    heads += [f"{name}, kB" for name in names]
    rows = [f"| {' | '.join(heads)} |", "|" + "--:|" * len(heads)]
    for zoom in sorted({each.zoom for each in ours.cold[0].answers}):
        times, sizes = [], []
        for state in ("cold", "warm"):
            for contestant in (ours, other):
                passes = [each.of_zoom(zoom) for each in getattr(contestant, state)]
                times.append(f"{_median(passes, lambda each: each.percentile_ms(50)):.1f}")
                if state == "cold":
                    sizes.append(f"{_median(passes, lambda each: each.kilobytes):.1f}")
        count = len(ours.cold[0].of_zoom(zoom).answers)
        rows.append(f"| {' | '.join([str(zoom), str(count), *times, *sizes])} |")
    return "\n".join(rows)


def _median(passes: Sequence[Pass], figure: Callable[[Pass], float]) -> float:
    return median(figure(each) for each in passes)


def compare_windows(folder: Path, size: int, effort: Effort) -> str:
    """Windows of a level whose chunks are warm, beside a file server sending the same bytes."""
    files = folder / "windows"
    files.mkdir(exist_ok=True)
    rows = [
        f"| window of level {LEVEL} as .npy, warm | kB | Ziggurat, p50 ms | static files, p50 ms | ratio |",
        "|---|--:|--:|--:|--:|",
    ]
    static = app_served("benchmark.maps.static_app:app", {"BENCHMARK_FILES": str(files)})
    with served(folder, {}) as service, static as file_server:
        for side in (side for side in WINDOWS if side <= size >> LEVEL):
            begin = ((size >> LEVEL) - side) // 2
            window = f"row={begin}&col={begin}&height={side}&width={side}"
            ours = Question(0, f"/terrain/massif/pyramid/mean/{LEVEL}?{window}&f=npy")
            content = ask_all(service, [ours], 1).answers[0].content
            (files / f"{side}.npy").write_bytes(content)
            theirs = Question(0, f"/{side}.npy")
            times: list[tuple[float, float]] = []
            for _ in range(effort.rounds):
                own = ask_all(service, [ours] * 100, 1)
                bare = ask_all(file_server, [theirs] * 100, 1)
                if own.answers[-1].content != bare.answers[-1].content:
                    raise RuntimeError("not the same bytes")
                times.append((own.percentile_ms(50), bare.percentile_ms(50)))
            own_ms, bare_ms = map(median, zip(*times, strict=True))
            ratio = median(own / bare for own, bare in times)
            rows.append(
                f"| {side} x {side} cells | {len(content) / 1000:.0f} | {own_ms:.2f} "
                f"| {bare_ms:.2f} | {ratio:.1f} |"
            )
    return "\n".join(rows)
