"""What a reader has to find in the pyramids, and the report of what it did find.

Runs in every environment of a reader: the standard library and numpy only. `scripts/readers` calls a
check program with the path of `cases.json`; the program prints one JSON document. `expected.mjs` is the
same for Node.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

UNTOLD = "untold"
"""What a reader has no notion of: tensorstore knows no CRS."""

ZARR = ("disk", "HTTP sharded", "HTTP unsharded")
"""Ways to the group itself; a VRT over it is another."""

YES, NO_NOTION = "yes", "–"


@dataclass(frozen=True)
class Level:
    """A level by brute force from the native cells."""

    shape: tuple[int, int]
    transform: tuple[float, ...]
    """In the order of rasterio."""
    file: Path

    @cached_property
    def cells(self) -> np.ndarray:
        """float64, NaN where there is no data."""
        return np.fromfile(self.file, "<f8").reshape(self.shape)


@dataclass(frozen=True)
class Case:
    """A pyramid, and where it is to be had."""

    kind: str
    metric: str
    epsg: int | None
    nodata: float
    ways: dict[str, str]
    levels: list[Level]

    def exactness(self) -> float:
        """Relative; a mean is stored in float32."""
        return 2**-22 if self.metric == "mean" else 0.0


@dataclass(frozen=True)
class Found:
    """What a reader found of a level."""

    cells: np.ndarray
    """Of any dtype; NaN or `nodata` where there is no data."""
    transform: Any = UNTOLD
    """Six numbers or more in the order of rasterio; None when the reader should have one and has not."""
    epsg: int | str | None = UNTOLD
    nodata: float | str | None = UNTOLD


Look = Callable[[Case, str], Iterable[Found]]
"""Reads all levels of a pyramid, finest first, at an address."""


def read_cases(path: Path) -> list[Case]:
    """The pyramids that are there to be read."""
    return [
        Case(
            kind=each["kind"],
            metric=each["metric"],
            epsg=each["epsg"],
            nodata=math.nan if each["nodata"] is None else each["nodata"],
            ways=each["ways"],
            levels=[
                Level(tuple(level["shape"]), tuple(level["transform"]), path.parent / level["cells"])
                for level in each["levels"]
            ],
        )
        for each in json.loads(path.read_text())
    ]


def report(reader: str, version: str, looks: dict[str, Look]) -> None:
    """Look at every pyramid by every way and print what came of it."""
    cases = read_cases(Path(sys.argv[1]))
    seen = [judge(case, way, look) for way, look in looks.items() for case in cases]
    json.dump({"reader": reader, "version": version, "seen": seen}, sys.stdout, ensure_ascii=False)


def judge(case: Case, way: str, look: Look) -> dict[str, str]:
    """Each column of the table: yes, what is wrong, or that the reader has no notion of it."""
    about = {"way": way, "kind": case.kind}
    try:
        found = list(look(case, case.ways[way]))
    except Exception as error:
        return about | {"failed": str(error).splitlines()[0]}
    return about | {
        "levels": _levels(case, found),
        "values": _values(case, found),
        "crs": _all_are(case.epsg, [each.epsg for each in found]),
        "nodata": _all_are(case.nodata, [each.nodata for each in found]),
    }


def _levels(case: Case, found: list[Found]) -> str:
    shapes, wanted = [each.cells.shape for each in found], [level.shape for level in case.levels]
    if shapes != wanted:
        return f"{shapes} instead of {wanted}"
    for number, (each, level) in enumerate(zip(found, case.levels, strict=True)):
        if each.transform is UNTOLD:
            continue
        if each.transform is None:
            return "some levels have no place"
        if not np.allclose(list(each.transform)[:6], level.transform, rtol=1e-12, atol=1e-9):
            return f"level {number} lies at {list(each.transform)[:6]} instead of {level.transform}"
    return YES


def _values(case: Case, found: list[Found]) -> str:
    for number, (each, level) in enumerate(zip(found, case.levels, strict=False)):
        cells = each.cells.astype(np.float64)
        # a reader without nodata shows what is stored
        cells[cells == (case.nodata if each.nodata is UNTOLD else each.nodata)] = np.nan
        if not _are_equal(cells, level.cells, case.exactness()):
            return f"level {number} differs"
    return YES if len(found) == len(case.levels) else f"{len(found)} of {len(case.levels)} levels"


def _are_equal(found: np.ndarray, wanted: np.ndarray, rtol: float) -> bool:
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=rtol, atol=0.0, equal_nan=True)


def _all_are(wanted: float | None, found: list[Any]) -> str:
    if all(each is UNTOLD for each in found):
        return NO_NOTION
    for each in found:
        if each != wanted and not (wanted != wanted and each != each):  # noqa: PLR0124 - NaN is NaN
            return f"{each or 'none'} instead of {wanted or 'none'}"
    return YES
