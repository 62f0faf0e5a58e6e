"""A large catalogue under load on loopback, beside the bare SQL of the same answers in the same run."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import URL

from benchmark.build import run_script
from benchmark.clients import bare_sql, latencies, service_at, throughput
from benchmark.large_catalogue import Size, fill
from benchmark.questions import Question, ask_about
from benchmark.served import Service, served
from own_postgres import UNSAFE, OwnServer, conninfo_of, started_server

ZIGGURAT = (sys.executable, "-c", "from service.cli import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long is measured."""

    rounds: int
    times: int
    """Answers one after the other, of each question in a round."""

    clients: int
    seconds: float
    """In which clients ask at once, each question in a round."""


@dataclass(slots=True)
class Figures:
    """What a question took in each round: milliseconds, and answers a second."""

    is_further_page: bool
    """Of the list whose first page was asked for before."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    bare_wall: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    bare_rate: list[float] = field(default_factory=list)


def compare_serving(folder: Path, size: Size, effort: Effort) -> str:
    """Ask the service and the database in turn; Markdown tables of the medians of all rounds."""
    place = folder / "postgres"
    place.mkdir(parents=True, exist_ok=True)
    with started_server(UNSAFE, place) as server:
        url = _catalogue(server, size)
        with psycopg.connect(conninfo_of(url)) as connection:
            found = connection.execute("SELECT min(id) FROM tile WHERE terrain_id = %s", [size.big_terrain])
            questions = ask_about(size, int(found.fetchone()[0]))  # type: ignore[index]  # it has tiles
        database = {"ZIGGURAT_DATABASE_URL": url.render_as_string(hide_password=False)}
        with TemporaryDirectory() as empty, served(Path(empty), database) as service:
            figures = _measure(service, conninfo_of(url), questions, effort)
        inside = _measure_inside(url, questions, effort)
    caption = (
        f"{size.terrains:,} terrains and {size.tiles:,} tiles in PostgreSQL, {os.cpu_count()} cores for "
        f"database, service and clients, medians of {effort.rounds} interleaved rounds."
    )
    return "\n\n".join([caption, make_table(figures, effort), make_inside_table(inside)]) + "\n"


def _catalogue(server: OwnServer, size: Size) -> URL:
    """The catalogue's URL; it is filled unless an earlier run did it."""
    url = server.url.set(database=f"catalogue_{size.terrains}_{size.tiles}")
    with psycopg.connect(conninfo_of(server.url)) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [url.database]).fetchone()
    if found is None:
        print(f"filling a catalogue of {size.terrains:,} terrains and {size.tiles:,} tiles ...", flush=True)
        server.execute("DROP DATABASE IF EXISTS filling", "CREATE DATABASE filling")
        fill(server.url.set(database="filling"), size)
        server.execute(f"ALTER DATABASE filling RENAME TO {url.database}")
    return url


def _measure(
    service: Service, conninfo: str, questions: list[Question], effort: Effort
) -> dict[str, Figures]:
    figures = {question.name: Figures(question.is_further_page) for question in questions}
    connect, connect_bare = partial(service_at, service.port), partial(bare_sql, conninfo)
    with connect() as ask, connect_bare() as bare:
        for question in questions:
            _check(question, ask(question), bare(question))
        for number in range(1, effort.rounds + 1):
            for question in questions:
                found = figures[question.name]
                before = service.cpu_s()
                found.wall.append(1000 * median(latencies(ask, question, effort.times)))
                found.cpu.append(1000 * (service.cpu_s() - before) / effort.times)
                found.bare_wall.append(1000 * median(latencies(bare, question, effort.times)))
                found.rate.append(throughput(connect, question, effort.clients, effort.seconds))
                found.bare_rate.append(throughput(connect_bare, question, effort.clients, effort.seconds))
            print(f"round {number} of {effort.rounds}", flush=True)
    return figures


def _check(question: Question, answer: bytes, rows: bytes) -> None:
    """Both tell of the same; of rows there may be one more."""
    found = json.loads(answer)
    ids = [each["id"] for each in found.get("terrains", found.get("tiles", [found]))]
    bare_ids = [row["id"] for row in json.loads(rows)]
    if not ids or ids != bare_ids[: len(ids)] or len(bare_ids) > len(ids) + 1:
        sys.exit(f"{question.path} and its bare SQL are not about the same rows")


def _measure_inside(url: URL, questions: list[Question], effort: Effort) -> dict[str, tuple[float, float]]:
    """CPU milliseconds of the service and of the bare SQL in one process, for each first page."""
    asked = [question for question in questions if question.is_first_page]
    told = json.dumps([(each.path, each.sql.decode(), each.parameters) for each in asked])
    address = url.render_as_string(hide_password=False)
    found = json.loads(run_script("inside.py", address, told, str(effort.rounds)))
    return {each.name: (ours, bare) for each, (ours, bare) in zip(asked, found, strict=True)}


def make_table(figures: dict[str, Figures], effort: Effort) -> str:
    """What the service took on loopback, and its ratio to the bare SQL and to the first page."""
    head = "| On loopback, one client | ms | service's CPU ms | bare SQL + JSON, ms | ms ÷ bare | ms ÷ first"
    rows = [
        f"{head} | {effort.clients} clients: answers/s | bare/s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    first: list[float] = []
    for name, found in figures.items():
        if not found.is_further_page:
            first = found.wall
        rows.append(
            f"| {name} | {median(found.wall):.2f} | {median(found.cpu):.1f} | {median(found.bare_wall):.2f} "
            f"| {_ratio(found.wall, found.bare_wall):.2f} | {_ratio(found.wall, first):.2f} "
            f"| {median(found.rate):.0f} | {median(found.bare_rate):.0f} |"
        )
    return "\n".join(rows)


def _ratio(ours: list[float], others: list[float]) -> float:
    """Of each round by itself: what else the machine had to do meanwhile was the same for both."""
    return median(our / other for our, other in zip(ours, others, strict=True))


def make_inside_table(inside: dict[str, tuple[float, float]]) -> str:
    """What the same costs within one process, its CPU time alone."""
    rows = [
        "| In one process | CPU ms | bare SQL + JSON, CPU ms | ratio |",
        "|---|--:|--:|--:|",
    ]
    rows += [
        f"| {name} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} |" for name, (ours, bare) in inside.items()
    ]
    return "\n".join(rows)
