"""Sources that are taken at their owner's word: not opened before they are first read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from affine import Affine

from raster.cells import SOURCE_DTYPES, CellEncoding, Nodata
from raster.crs import canonical_crs
from raster.errors import GridInvalid, SourceRefused
from raster.sources.formats import KNOWN_SUFFIXES, is_known
from raster.sources.ranges import SourceIdentity
from raster.sources.source import LONGEST_SIDE, SourceInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a source's owner says of it: `transform` and `crs` as the file has them, None for none."""

    height: int
    width: int
    dtype: str
    scale: float = 1.0
    offset: float = 0.0
    transform: Affine | None = None
    crs: str | None = None


def declare_source(url: str, identity: SourceIdentity, said: Declaration) -> SourceInfo:
    """Facts of a source as declared; which content it has is the disk's word, or its server's.

    Parameters
    ----------
    url : str
        As the catalogue has it.
    identity : SourceIdentity

    Raises
    ------
    SourceError
    """
    if not is_known(url):
        raise SourceRefused(url, f"its kind is not known; taken are {', '.join(KNOWN_SUFFIXES)}")
    _check_cells(url, said)
    transform = None if said.transform is None else _north_up(url, said.transform, said.height)
    return SourceInfo(
        height=said.height,
        width=said.width,
        encoding=CellEncoding(said.dtype, None, said.scale, said.offset),
        transform=transform,
        crs=None if said.crs is None else _canonical(url, said.crs),
        south_up=said.transform is not None and said.transform.e > 0,
        identity=identity,
        # nobody has looked
        block_height=1,
        block_width=1,
    )


def _check_cells(url: str, said: Declaration) -> None:
    if not all(1 <= side <= LONGEST_SIDE for side in (said.height, said.width)):
        raise SourceRefused(url, f"a tile has 1 to {LONGEST_SIDE} rows and columns")
    if said.dtype not in SOURCE_DTYPES:
        raise SourceRefused(url, f"its dtype is {said.dtype!r}; taken are {', '.join(SOURCE_DTYPES)}")
    if not (math.isfinite(said.scale) and math.isfinite(said.offset)) or said.scale == 0:
        raise SourceRefused(url, f"its scale {said.scale} and offset {said.offset} give no heights")


def _north_up(url: str, transform: Affine, height: int) -> Affine:
    a, b, c, d, e, f = transform[:6]
    if not all(map(math.isfinite, (a, b, c, d, e, f))) or b or d or a <= 0 or e == 0:
        raise SourceRefused(url, f"its transform {[a, b, c, d, e, f]} is not [a > 0, 0, c, 0, e, f]")
    return Affine(a, 0.0, c, 0.0, -e, f + e * height) if e > 0 else transform


def _canonical(url: str, crs: str) -> str:
    try:
        return canonical_crs(crs)
    except GridInvalid as error:
        raise SourceRefused(url, str(error)) from error


def find_contradictions(shape: tuple[int, int], encoding: CellEncoding, found: SourceInfo) -> Iterator[str]:
    """Where a header differs from what was declared, place aside; empty when all is true.

    Parameters
    ----------
    shape, encoding
        As registered. The nodata value is declared, or the terrain's: a file may name none itself,
        but no other one.
    """
    true = found.encoding
    if shape != (found.height, found.width):
        yield _differ(f"{shape[0]} x {shape[1]} cells", f"{found.height} x {found.width}")
    for name in ("dtype", "scale", "offset"):
        if getattr(encoding, name) != getattr(true, name):
            yield _differ(f"{name} {getattr(encoding, name)}", getattr(true, name))
    if true.nodata is not None and not _same(encoding.nodata, true.nodata):
        said = "no nodata value" if encoding.nodata is None else f"nodata {encoding.nodata}"
        yield _differ(said, true.nodata)


def _differ(said: object, true: object) -> str:
    return f"registered with {said}, the file has {true}"


def _same(said: Nodata, true: float) -> bool:
    # NaN is nodata anyway
    return said == true or math.isnan(true)
