"""What the readers found, as a table for the README."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COLUMNS = ("levels", "values", "crs", "nodata")
GOOD = ("yes", "–")


@dataclass(frozen=True, slots=True)
class Row:
    """A reader by ways that give the same."""

    program: str
    reader: str
    ways: str
    columns: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether the reader found all that it has a notion of."""
        return all(column in GOOD for column in self.columns)

    def __str__(self) -> str:
        return f"| {' | '.join([f'`{self.program}`', self.reader, self.ways, *self.columns])} |"


def rows_of(program: str, found: dict[str, Any]) -> Iterator[Row]:
    """A row for all ways that give the same."""
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for way in dict.fromkeys(seen["way"] for seen in found["seen"]):
        judged = [seen for seen in found["seen"] if seen["way"] == way]
        columns = tuple(_worst([seen[name] for seen in judged]) for name in COLUMNS)
        by_columns.setdefault(columns, []).append(way)
    for columns, ways in by_columns.items():
        yield Row(program, f"{found['reader']} {found['version']}", ", ".join(ways), columns)


def _worst(judged: list[str]) -> str:
    return next((each for each in judged if each not in GOOD), judged[0]).replace("|", "\\|")


def not_installed(program: str, reason: str) -> Row:
    """The row of a reader that cannot be had here."""
    return Row(program, "not installed", reason.replace("|", "\\|"), ("",) * len(COLUMNS))


def table_of(rows: list[Row]) -> str:
    """Markdown."""
    head = ["| check | reader | way | levels | values | CRS | nodata |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *map(str, rows)]) + "\n"
