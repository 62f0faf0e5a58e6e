"""The use-case that registers a table of tiles, all rows or none, in memory it does not outgrow. No web.

Rows are checked and staged in the catalogue some at a time, each time in a short transaction; one
transaction at the end makes tiles of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import BinaryIO

from catalog.errors import RegistrationLost, TerrainNotFound
from catalog.models import Registration, Terrain
from catalog.repository import registrations, staging, terrains
from catalog.repository.registrations import RegistrationProgress
from catalog.repository.staging import StagedRow
from raster.errors import PlacementRefused, RasterError, SourceError
from raster.placement import Anchor
from service.errors import TableRefused
from service.house import House
from service.inspection import InspectedTile, inspect_tiles, new_tile, place_inspected
from service.registration import NAMED_TWICE, fix_anchor, origin_moved
from service.registration_jobs import Claim, drop_staged, fail
from service.spool import TableKind
from service.summaries import summarise
from service.terrain_grids import anchor_of, window_of
from service.tile_tables import RowProblem, TableRow, read_table

ROWS_AT_ONCE = 1000
"""Rows in memory at a time, and in one transaction."""

PROBLEMS_KEPT = 100
"""Of more problems only the number is told."""

OnProgress = Callable[[RegistrationProgress], None]


@dataclass(frozen=True, slots=True)
class Footing:
    """What places of tiles depend on: when it has changed they are to be found anew."""

    anchor: Anchor
    has_tiles: bool


@dataclass(slots=True)
class _Problems:
    """The first problems by their lines, and the number of all."""

    kept: list[RowProblem] = field(default_factory=list)
    count: int = 0

    def add(self, problems: Sequence[RowProblem], count: int | None = None) -> None:
        self.count += len(problems) if count is None else count
        self.kept = sorted([*self.kept, *problems], key=lambda problem: problem.line)[:PROBLEMS_KEPT]


def register_table(
    house: House, job: Claim, file: BinaryIO, kind: TableKind, on_progress: OnProgress
) -> Registration:
    """Register a table; the job is told how it ended.

    Parameters
    ----------
    file : BinaryIO
        At its start; it can be read again.
    on_progress : callable
        Called after every `ROWS_AT_ONCE` rows; what it raises stops the registration.

    Raises
    ------
    TableRefused
    TerrainTooLarge
    RegistrationLost, CatalogUnavailable
        Nothing is noted: another attempt may go better.
    """
    try:
        while not _attempt(house, job, file, kind, on_progress):
            file.seek(0)
    except TerrainNotFound as error:
        raise RegistrationLost(job.registration_id) from error
    except (RasterError, TableRefused) as error:
        fail(house, job, error)
        raise
    drop_staged(house, job.registration_id)
    with house.database.read() as session:
        return registrations.get_registration(session, job.terrain_id, job.registration_id)


def _attempt(house: House, job: Claim, file: BinaryIO, kind: TableKind, on_progress: OnProgress) -> bool:
    """Whether it is done; not when the terrain's grid was fixed in another way meanwhile."""
    drop_staged(house, job.registration_id)
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, job.terrain_id)
    footing = _footing(terrain)
    anchor, progress = _stage(house, job, terrain, _Table(file, kind), on_progress)
    if progress.problem_count:
        raise TableRefused(progress.problem_count)
    with house.database.write() as session:
        terrain = terrains.lock_terrain(session, job.terrain_id)
        registrations.hold_registration(session, job.registration_id, job.owner)
        if _footing(terrain) != footing:
            return False
        before = window_of(terrain)
        if staging.register_staged(session, terrain.id, job.registration_id):
            fix_anchor(session, terrain, anchor)
            summarise(session, house, terrain)
        registrations.finish_registration(
            session,
            job.registration_id,
            job.owner,
            rows=progress.rows_read,
            revision=terrain.revision,
            origin_moved=origin_moved(before, window_of(terrain)),
        )
    return True


def _footing(terrain: Terrain) -> Footing:
    return Footing(anchor_of(terrain), terrain.tile_count > 0)


@dataclass(frozen=True, slots=True)
class _Table:
    file: BinaryIO
    kind: TableKind

    def batches(self) -> Iterator[list[TableRow | RowProblem]]:
        rows = read_table(self.file, self.kind)
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            yield batch


def _stage(
    house: House, job: Claim, terrain: Terrain, table: _Table, on_progress: OnProgress
) -> tuple[Anchor, RegistrationProgress]:
    """Check and stage every row; how the terrain lies on the ground then, and what was found."""
    anchor, has_tiles = anchor_of(terrain), terrain.tile_count > 0
    problems, rows_read = _Problems(), 0
    progress = _progress(table, rows_read, problems)
    for batch in table.batches():
        rows_read += len(batch)
        wrong: list[RowProblem] = []
        looked_at = list(_look_at(house, terrain, batch, wrong))
        anchor, places = place_inspected(
            terrain, anchor, [tile for _, tile in looked_at], has_tiles=has_tiles
        )
        staged: list[StagedRow] = []
        for (line, tile), place in zip(looked_at, places, strict=True):
            if isinstance(place, PlacementRefused):
                wrong.append(RowProblem(line, place.reason, tile.order.url))
            else:
                staged.append(StagedRow(line, new_tile(tile, place)))
        problems.add(wrong)
        has_tiles = has_tiles or bool(staged)
        progress = _progress(table, rows_read, problems)
        with house.database.write() as session:
            # first, for then the job is there until the session ends
            registrations.note_progress(session, job.registration_id, job.owner, progress)
            staging.stage_tiles(session, job.registration_id, staged)
        on_progress(progress)
    if not rows_read:
        problems.add([RowProblem(1, "the table has no rows")])
    return anchor, _add_repeated(house, job, table, rows_read, problems)


def _look_at(
    house: House, terrain: Terrain, batch: Iterable[TableRow | RowProblem], wrong: list[RowProblem]
) -> Iterator[tuple[int, InspectedTile]]:
    rows: list[TableRow] = []
    for row in batch:
        if isinstance(row, RowProblem):
            wrong.append(row)
        else:
            rows.append(row)
    outcomes = inspect_tiles(house, terrain, [row.order for row in rows])
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, SourceError):
            wrong.append(RowProblem(row.line, outcome.reason, row.order.url))
        else:
            yield row.line, outcome


def _add_repeated(
    house: House, job: Claim, table: _Table, rows_read: int, problems: _Problems
) -> RegistrationProgress:
    """Everything that was found, rows that name one source twice included."""
    with house.database.read() as session:
        count = staging.count_repeated(session, job.registration_id)
        repeated = staging.list_repeated(session, job.registration_id, PROBLEMS_KEPT)
    problems.add([RowProblem(row.line, NAMED_TWICE, row.url) for row in repeated], count)
    progress = _progress(table, rows_read, problems)
    with house.database.write() as session:
        registrations.note_progress(session, job.registration_id, job.owner, progress)
    return progress


def _progress(table: _Table, rows_read: int, problems: _Problems) -> RegistrationProgress:
    return RegistrationProgress(
        bytes_read=table.file.tell(),
        rows_read=rows_read,
        problem_count=problems.count,
        problems=[asdict(problem) for problem in problems.kept],
    )
