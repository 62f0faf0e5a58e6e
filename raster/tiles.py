"""The tiles of a terrain, laid on its grid: a table that stays small when there are a million of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import overload

import numpy as np
from numpy.typing import NDArray

from raster.cells import CellEncoding
from raster.grid import Window
from raster.sources.ranges import SourceIdentity

COLUMNS = 9

UNKNOWN_TIME = -1
"""In the table, for a source without mtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTile:
    """A tile in its terrain: the source, its level-0 window, how it writes cells, which bytes it was.

    Blocks are what the source is decoded by, in cells.
    """

    url: str
    window: Window
    encoding: CellEncoding
    identity: SourceIdentity
    block_height: int
    block_width: int


class TileTable(Sequence[PlacedTile]):
    """Placed tiles, lowest precedence first, in columns: about 170 bytes a tile instead of a kilobyte."""

    def __init__(self, tiles: Iterable[PlacedTile]) -> None:
        self._urls: list[str] = []
        self._etags: dict[int, str] = {}
        codes: dict[CellEncoding, int] = {}
        rows = (self._row(index, tile, codes) for index, tile in enumerate(tiles))
        numbers = np.fromiter(chain.from_iterable(rows), np.int64)
        self._numbers = numbers.reshape(-1, COLUMNS)
        self._encodings = list(codes)

    def _row(self, index: int, tile: PlacedTile, codes: dict[CellEncoding, int]) -> tuple[int, ...]:
        self._urls.append(tile.url)
        identity, window = tile.identity, tile.window
        if identity.etag is not None:
            self._etags[index] = identity.etag
        return (
            window.row,
            window.col,
            window.height,
            window.width,
            codes.setdefault(tile.encoding, len(codes)),
            identity.size,
            UNKNOWN_TIME if identity.mtime_ns is None else identity.mtime_ns,
            tile.block_height,
            tile.block_width,
        )

    @property
    def windows(self) -> NDArray[np.int64]:
        """(tiles, 4): row, col, height, width."""
        return self._numbers[:, :4]

    @property
    def encodings(self) -> Sequence[CellEncoding]:
        """Every encoding that some tile has, once."""
        return self._encodings

    def fingerprint(self) -> str:
        """SHA-256 of everything the cells depend on: which sources, where, how encoded, which bytes."""
        digest = hashlib.sha256(self._numbers.astype("<i8").tobytes())
        for word in (*self._urls, *map(repr, self._encodings), repr(sorted(self._etags.items()))):
            digest.update(f"{len(word)}:{word}".encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._urls)

    @overload
    def __getitem__(self, index: int) -> PlacedTile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlacedTile]: ...
    def __getitem__(self, index: int | slice) -> PlacedTile | Sequence[PlacedTile]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        row, col, height, width, code, size, mtime_ns, block_height, block_width = self._numbers[
            index
        ].tolist()
        return PlacedTile(
            url=self._urls[index],
            window=Window(row=row, col=col, height=height, width=width),
            encoding=self._encodings[code],
            identity=SourceIdentity(
                size=size,
                mtime_ns=None if mtime_ns == UNKNOWN_TIME else mtime_ns,
                etag=self._etags.get(index),
            ),
            block_height=block_height,
            block_width=block_width,
        )

    def __iter__(self) -> Iterator[PlacedTile]:
        return (self[index] for index in range(len(self)))
