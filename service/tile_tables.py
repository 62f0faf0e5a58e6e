"""Tables of tiles, NDJSON or CSV, row by row: what cannot be a tile is a problem with a line and a reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, Self

from affine import Affine
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from raster.sources.declared import Declaration
from service.field_types import FiniteFloat, Text
from service.schemas import PlacedSourceBody
from service.spool import TableKind
from service.tile_orders import TileOrder

LONGEST_LINE_BYTES = 2**16
"""Of NDJSON; a row has some hundred."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A tile to register, and the line where its row ends, from 1."""

    line: int
    order: TileOrder


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be registered."""

    line: int
    reason: str
    url: str | None = None


def _six_numbers(value: object) -> object:
    # in CSV a cell holds all six
    return value.split() if isinstance(value, str) else value


def _nan(value: object) -> object:
    return "NaN" if isinstance(value, str) and value.strip().lower() == "nan" else value


class TileRowBody(PlacedSourceBody):
    """A row of a table. With height, width and dtype its file is not opened before the first build."""

    model_config = ConfigDict(strict=False)  # the cells of CSV are texts

    nodata: Annotated[FiniteFloat | Literal["NaN"] | None, BeforeValidator(_nan)] = None
    height: int | None = None
    width: int | None = None
    dtype: Text | None = None
    scale: FiniteFloat | None = None
    offset: FiniteFloat | None = None
    transform: Annotated[
        list[FiniteFloat] | None, BeforeValidator(_six_numbers), Field(min_length=6, max_length=6)
    ] = None
    crs: Text | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        is_declared = [each is not None for each in (self.height, self.width, self.dtype)]
        if any(is_declared) and not all(is_declared):
            raise ValueError("height, width and dtype go together: give all of them, or none")
        rest = (self.scale, self.offset, self.transform, self.crs)
        if not any(is_declared) and any(each is not None for each in rest):
            raise ValueError("scale, offset, transform and crs are of rows that give height, width and dtype")
        return self

    def order(self) -> TileOrder:
        """The tile to register."""
        return TileOrder(
            url=self.url,
            x=self.x,
            y=self.y,
            priority=self.priority,
            nodata=None if self.nodata is None else float(self.nodata),
            declared=self._declaration(),
        )

    def _declaration(self) -> Declaration | None:
        if self.height is None or self.width is None or self.dtype is None:
            return None
        return Declaration(
            height=self.height,
            width=self.width,
            dtype=self.dtype,
            scale=1.0 if self.scale is None else self.scale,
            offset=0.0 if self.offset is None else self.offset,
            transform=None if self.transform is None else Affine(*self.transform),
            crs=self.crs,
        )


def read_table(file: BinaryIO, kind: TableKind) -> Iterator[TableRow | RowProblem]:
    """The rows of a table, one at a time; blank lines are none."""
    return _read_ndjson(file) if kind is TableKind.NDJSON else _read_csv(file)


def _read_ndjson(file: BinaryIO) -> Iterator[TableRow | RowProblem]:
    line = 0
    while text := file.readline(LONGEST_LINE_BYTES):
        line += 1
        if len(text) == LONGEST_LINE_BYTES and not text.endswith(b"\n"):
            while (rest := file.readline(LONGEST_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield RowProblem(line, f"the line is longer than {LONGEST_LINE_BYTES} bytes")
        elif text.strip():
            yield _parse(line, text)


def _read_csv(file: BinaryIO) -> Iterator[TableRow | RowProblem]:
    # bytes that are no UTF-8 become what no text may hold, so that their row is named
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if problem := _header_problem(header):
            yield RowProblem(1, problem)
            return
        for cells in reader:
            if cells:
                yield _parse_cells(reader.line_num, header, cells)
    except csv.Error as error:
        yield RowProblem(reader.line_num, f"no CSV from here on: {error}")
    finally:
        text.detach()


def _header_problem(header: list[str]) -> str | None:
    known = TileRowBody.model_fields.keys()
    if unknown := [name for name in header if name not in known]:
        named = ", ".join(repr(name[:40]) for name in unknown[:5])
        return f"no column {named} is known; there are {', '.join(known)}"
    if "url" not in header or len(set(header)) != len(header):
        return "the first line names the columns, each once, and `url` is one of them"
    return None


def _parse_cells(line: int, header: list[str], cells: list[str]) -> TableRow | RowProblem:
    if len(cells) != len(header):
        return RowProblem(line, f"it has {len(cells)} cells, the first line names {len(header)}")
    return _parse(
        line, {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    )


def _parse(line: int, row: bytes | dict[str, Any]) -> TableRow | RowProblem:
    try:
        body = (
            TileRowBody.model_validate_json(row)
            if isinstance(row, bytes)
            else TileRowBody.model_validate(row)
        )
    except ValidationError as error:
        return RowProblem(line, "; ".join(_reasons(error)))
    return TableRow(line, body.order())


def _reasons(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False)[:3]:
        where = ".".join(str(part) for part in each["loc"])
        said = each["msg"].removeprefix("Value error, ")
        yield f"{where}: {said}" if where else said
