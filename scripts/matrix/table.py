"""What the readers found, as a table for the README."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COLUMNS = ("levels", "values", "crs", "nodata")
GOOD = ("yes", "–")
LONGEST = 80
NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class Row:
    """A reader by ways that give the same."""

    program: str
    reader: str
    ways: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"| {' | '.join([f'`{self.program}`', self.reader, self.ways, *self.columns])} |"


def rows_of(program: str, found: dict[str, Any]) -> Iterator[Row]:
    """A row for all ways that give the same; kinds of terrain are named where they make a difference."""
    ways: dict[tuple[str, ...], list[str]] = {}
    for way in dict.fromkeys(seen["way"] for seen in found["seen"]):
        common = _columns(found, way, "")
        ways.setdefault(common, []).append(way)
        for kind in dict.fromkeys(seen["kind"] for seen in found["seen"] if seen["way"] == way):
            special = _columns(found, way, kind)
            if special != common:
                ways.setdefault(special, []).append(f"{way}, {kind}")
    for columns, names in ways.items():
        yield Row(program, f"{found['reader']} {found['version']}", "; ".join(names), columns)


def _columns(found: dict[str, Any], way: str, kind: str) -> tuple[str, ...]:
    judged = [seen for seen in found["seen"] if (seen["way"], seen["kind"]) == (way, kind)]
    failed = [seen["failed"] for seen in judged if "failed" in seen]
    if failed:
        return f"no: {_cell(failed[0])}", "no", "no", "no"
    return tuple(_worst([_cell(seen[name]) for seen in judged]) for name in COLUMNS)


def _worst(judged: list[str]) -> str:
    return next((each for each in judged if each not in GOOD), judged[0])


def _cell(text: str) -> str:
    """Fit for a cell: the first words of what an error says."""
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}…").replace("|", "\\|")


def not_installed(program: str, reason: str) -> Row:
    """The row of a reader that cannot be had here."""
    return Row(program, NOT_INSTALLED, _cell(reason), ("",) * len(COLUMNS))


def untold(rows: list[Row], page: str) -> list[Row]:
    """Rows that a page has not; it needs none of what cannot be had here."""
    lines = page.splitlines()
    return [row for row in rows if row.reader != NOT_INSTALLED and str(row) not in lines]


def table_of(rows: list[Row]) -> str:
    """Markdown."""
    head = ["| check | reader | way | levels | values | CRS | nodata |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *map(str, rows)]) + "\n"
