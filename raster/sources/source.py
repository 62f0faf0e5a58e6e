"""What every reader gives: facts of a source, and its cells by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from affine import Affine

from raster.cells import CellEncoding, Cells
from raster.grid import Window
from raster.sources.ranges import SourceIdentity

STREAMED_CELLS = 2**22
"""Cells of a window when a source is streamed: 32 MiB of float64."""

LONGEST_SIDE = 2**31 - 1
"""Rows or columns of a source, as GDAL has it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Facts of a source, enough to place its tile and to read it later without looking again.

    `transform` is north-up (also for a south-up file, whose rows are delivered flipped), None
    when the file is not georeferenced. `crs` is canonical, None when the file names none.
    Blocks are what the file is decoded by: to read one cell costs its block. Blocks of one cell
    mean that nothing is decoded.
    """

    height: int
    width: int
    encoding: CellEncoding
    transform: Affine | None
    crs: str | None
    south_up: bool
    identity: SourceIdentity
    block_height: int
    block_width: int

    @property
    def window(self) -> Window:
        """All cells."""
        return Window(row=0, col=0, height=self.height, width=self.width)

    def windows(self, cell_limit: int = STREAMED_CELLS) -> Iterator[Window]:
        """Windows that cover the source once, each of at most `cell_limit` cells and of whole blocks.

        Whole-width strips while a row of blocks fits into the limit, else blocks side by side;
        a block larger than the limit is one window.
        """
        strip_cells = self.block_height * self.width
        if strip_cells <= cell_limit:
            height, width = self.block_height * (cell_limit // strip_cells), self.width
        else:
            block_cells = self.block_height * self.block_width
            height, width = self.block_height, self.block_width * max(1, cell_limit // block_cells)
        yield from self.window.split(height, width)


class Source(Protocol):
    """An open source."""

    @property
    def info(self) -> SourceInfo:
        """Its facts."""

    def read_window(self, window: Window) -> Cells:
        """Cells of a window, north at row 0, as stored: not scaled, nodata not converted.

        Returns
        -------
        (height, width) of the encoding's dtype in native byte order

        Raises
        ------
        SourceUnreadable
        """
