"""What the command line prints: words and tables for people, JSON for scripts, errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from service.pyramid_schemas import PyramidBody
from service.schemas import TerrainBody


def tell(text: str) -> None:
    """One line for people."""
    Console(soft_wrap=True, highlight=False, markup=False).print(text)


def print_json(document: Any) -> None:
    """One JSON document for scripts: the same bytes on a terminal and in a pipe."""
    sys.stdout.write(json.dumps(to_jsonable_python(document), indent=2, allow_nan=False) + "\n")


def tell_aside(text: str) -> None:
    """One line for people on standard error, where it does not mix with what was asked for."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(text)


def print_error(text: str, reasons: Sequence[str] = ()) -> None:
    """An error, and below it what it consists of."""
    tell_aside(f"error: {text}")
    for reason in reasons:
        tell_aside(f"  - {reason}")


@contextmanager
def progress_bar(title: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, and the function that moves it; nothing when `quiet`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), disable=quiet) as progress:
        task: TaskID = progress.add_task(title, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance


def print_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Rows below the names of their columns; the first column is never cut."""
    table = Table(Column(columns[0], no_wrap=True), *columns[1:])
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_terrains(found: Sequence[TerrainBody]) -> None:
    """Terrains as a table."""
    table = Table("id", "name", "cells", "tiles", "levels", "CRS", "title")
    for terrain in found:
        table.add_row(
            str(terrain.id),
            terrain.name,
            _cells(terrain),
            str(terrain.tile_count),
            str(terrain.level_count or "-"),
            (terrain.crs or "-")[:40],
            terrain.title or "",
        )
    Console().print(table)


def print_info(terrain: TerrainBody, pyramids: Sequence[PyramidBody]) -> None:
    """One terrain in words, and its pyramids as a table."""
    tell(f"{terrain.name} (id {terrain.id}, revision {terrain.revision}): {terrain.title or 'no title'}")
    tell(f"  {terrain.tile_count} tiles, {_cells(terrain)} cells, CRS {terrain.crs or 'none'}")
    if terrain.extent is not None:
        e = terrain.extent
        tell(f"  extent {e.left} {e.bottom} {e.right} {e.top} (left bottom right top)")
    table = Table("metric", "state", "levels", "dtype", "tiles", "bytes", "built at", "age")
    for pyramid in pyramids:
        at = pyramid.built_at
        built = (None, None) if at is None else (_moment(at), _age(at))
        cells = (pyramid.level_count, pyramid.dtype, pyramid.tile_count, pyramid.byte_count, *built)
        table.add_row(pyramid.metric, pyramid.state, *(str("-" if cell is None else cell) for cell in cells))
    Console().print(table)
    for pyramid in pyramids:
        if pyramid.store_url is not None:
            tell(f"  {pyramid.metric}: {pyramid.store_url}")
    for pyramid in pyramids:
        _tell_progress(pyramid)
        tell_missing(pyramid)
        _tell_failure(pyramid)


def _tell_progress(pyramid: PyramidBody) -> None:
    """How far the build under way is, and who is at it."""
    progress = pyramid.progress
    if progress is None:
        return
    at = f" by {progress.builder}, attempt {progress.attempt}" if progress.builder else ""
    tell(f"  {pyramid.metric} is being built{at}: {progress.shards_done} of {progress.shards_total} shards")


def _tell_failure(pyramid: PyramidBody) -> None:
    """Why the last build failed, and when."""
    if pyramid.failure is None:
        return
    failed_at = pyramid.failure.failed_at
    when = "" if failed_at is None else f" at {_moment(failed_at)}"
    tell(f"  {pyramid.metric} failed last{when}: {pyramid.failure.detail}")


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _age(since: datetime) -> str:
    """To two digits or so: nobody needs the seconds of a day."""
    seconds = max(0, round((datetime.now(UTC) - since).total_seconds()))
    units = (("d", 86_400), ("h", 3600), ("min", 60))
    unit, size = next(((unit, size) for unit, size in units if seconds >= 2 * size), ("s", 1))
    return f"{seconds // size} {unit}"


def tell_missing(pyramid: PyramidBody) -> None:
    """The tiles that a pyramid was built without, if any."""
    if not pyramid.missing_tile_count:
        return
    tell(f"  {pyramid.metric} lacks {pyramid.missing_tile_count} tiles, whose place is empty:")
    for tile in pyramid.missing_tiles:
        tell(f"    {tile.source} (row {tile.row}, col {tile.col}): {tile.reason}")
    if len(pyramid.missing_tiles) < pyramid.missing_tile_count:
        tell("    …")


def _cells(terrain: TerrainBody) -> str:
    return "-" if terrain.size is None else f"{terrain.size.height} x {terrain.size.width}"
