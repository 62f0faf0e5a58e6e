"""How `ziggurat add` registers a table, and tells what it did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from catalog.models import Registration
from catalog.repository import registrations, terrains
from service.bodies import registration_body
from service.console import print_error, print_json, progress_bar, tell
from service.errors import RegistrationAbandoned, TableRefused
from service.exit_codes import EXIT_REFUSED
from service.house import House
from service.registration_jobs import Claim, claim, fail, new_registration_id, queue_registration
from service.spool import TableKind
from service.table_registration import OnProgress, register_table

KINDS = {".ndjson": TableKind.NDJSON, ".jsonl": TableKind.NDJSON, ".csv": TableKind.CSV}


def table_kind_of(table: Path) -> TableKind:
    """How a file is written, by its name."""
    kind = KINDS.get(table.suffix.lower())
    if kind is None:
        raise typer.BadParameter(
            f"{table.name}: a table is named {', '.join(f'*{suffix}' for suffix in KINDS)}"
        )
    return kind


def add_table(house: House, terrain_key: str, table: Path, kind: TableKind, *, as_json: bool) -> None:
    """Register a table in this process; exit code 1 when some rows are wrong."""
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, terrain_key)
    byte_count = table.stat().st_size
    job = _begin(house, terrain.id, byte_count)
    with progress_bar("Reading rows (bytes)", quiet=as_json) as advance:
        refused = _carry_out(
            house, job, table, kind, lambda progress: advance(progress.bytes_read, byte_count)
        )
    done = _read(house, job)
    if as_json:
        print_json(registration_body(done))
    elif refused is not None:
        _tell_problems(refused, done)
    elif done.revision is not None:
        tell_registered(
            terrain.name, done.rows_registered, done.revision, origin_moved=bool(done.origin_moved)
        )
    if refused is not None:
        raise typer.Exit(EXIT_REFUSED)


def _begin(house: House, terrain_id: int, byte_count: int) -> Claim:
    registration_id = new_registration_id()
    queue_registration(house, terrain_id, registration_id, byte_count, None)
    job = claim(house, registration_id)
    if job is None:
        raise ValueError("nobody else knows of it")
    return job


def _carry_out(
    house: House, job: Claim, table: Path, kind: TableKind, on_progress: OnProgress
) -> TableRefused | None:
    """Why nothing was registered, None when all was."""
    try:
        with table.open("rb") as file:
            register_table(house, job, file, kind, on_progress)
    except TableRefused as refused:
        return refused
    except KeyboardInterrupt:
        fail(house, job, RegistrationAbandoned())
        raise
    return None


def _read(house: House, job: Claim) -> Registration:
    with house.database.read() as session:
        return registrations.get_registration(session, job.terrain_id, job.registration_id)


def _tell_problems(refused: TableRefused, job: Registration) -> None:
    listed = [_in_words(problem) for problem in job.problems]
    more = job.problem_count - len(listed)
    print_error(f"{refused}:", [*listed, *([f"and {more} more"] if more else [])])


def _in_words(problem: Mapping[str, Any]) -> str:
    url = "" if problem["url"] is None else f"{problem['url']}: "
    return f"line {problem['line']}: {url}{problem['reason']}"


def tell_registered(terrain: str, count: int, revision: int, *, origin_moved: bool) -> None:
    """What a registration did, for people."""
    what = "1 tile" if count == 1 else f"{count} tiles"
    tell(f"{what} registered; terrain {terrain} is at revision {revision}.")
    if origin_moved:
        tell("Its upper-left cell moved: 2x2 blocks shift, the next build makes every level anew.")
