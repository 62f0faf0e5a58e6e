"""Cells that wait on the disk, in files without a name: they are gone with the process, whatever ends it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile, gettempdir
from typing import Any

import numpy as np

from raster.cells import Cells
from raster.errors import StoreFailed


class SpilledCells:
    """An array's cells below the folder that `TMPDIR` names.

    Sent to another process it is sent with its cells, and lies on that one's disk.

    Raises
    ------
    StoreFailed
        The disk is full.
    """

    def __init__(self, cells: Cells) -> None:
        self.dtype, self.shape = cells.dtype, cells.shape
        with _spilling(), TemporaryFile(prefix="ziggurat-") as file:
            file.write(np.ascontiguousarray(cells).data)
            file.flush()
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def __reduce__(self) -> tuple[Any, ...]:
        return SpilledCells, (self[:],)

    def __getitem__(self, rows: slice) -> Cells:
        """Some rows that follow each other, read now.

        Raises
        ------
        StoreFailed
        """
        start, stop, _ = rows.indices(self.shape[0])
        cells = np.empty((stop - start, *self.shape[1:]), self.dtype)
        row_bytes = cells[:1].nbytes if len(cells) else 0
        with _spilling():
            read = os.preadv(self._descriptor, [cells.data.cast("B")], start * row_bytes) if cells.size else 0
            if read != cells.nbytes:
                raise OSError(f"{read} of {cells.nbytes} bytes came back")
        return cells


@contextmanager
def _spilling() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreFailed(gettempdir(), f"{reason}; shards wait there for others (TMPDIR)") from error
