"""Decoded chunks that are kept, up to so many bytes: for all pyramids of a process together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

from raster.cells import Cells
from raster.chunks import ChunkPlace


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """A chunk of the values of a level; the pyramid never changes, so neither does what it holds."""

    pyramid: str
    level: int
    place: ChunkPlace


ENTRY_BYTES = 200
"""What an entry costs beside its cells, more or less: there may be many of chunks that are all fill."""


class ChunkCache:
    """The chunks that were asked for last. May be used by many threads.

    Each chunk is decoded by one of those who ask for it at the same time; the others wait for it. What
    goes wrong is told to all of them, and not kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[ChunkKey, Cells | None] = OrderedDict()
        self._coming: dict[ChunkKey, Future[Cells | None]] = {}
        self._byte_count = 0
        self._lock = Lock()

    @property
    def byte_count(self) -> int:
        """Bytes that are kept now."""
        return self._byte_count

    def get(self, key: ChunkKey, decode: Callable[[], Cells | None]) -> Cells | None:
        """A chunk as it is kept, or as `decode` gives it; None when it is all fill.

        Returns
        -------
        Cells that several may read: nobody writes into them.

        Raises
        ------
        What `decode` raises.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            coming = self._coming.get(key)
            own = coming is None
            if coming is None:
                coming = self._coming[key] = Future()
        if own:
            self._decode(key, decode, coming)
        return coming.result()

    def _decode(
        self, key: ChunkKey, decode: Callable[[], Cells | None], coming: Future[Cells | None]
    ) -> None:
        try:
            cells = decode()
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            coming.set_exception(error)
            raise
        if cells is not None:
            cells.flags.writeable = False
        with self._lock:
            self._keep(key, cells)
            del self._coming[key]
        coming.set_result(cells)

    def _keep(self, key: ChunkKey, cells: Cells | None) -> None:
        self._kept[key] = cells
        self._byte_count += _size(cells)
        while self._byte_count > self._most_bytes:
            self._byte_count -= _size(self._kept.popitem(last=False)[1])


def _size(cells: Cells | None) -> int:
    return ENTRY_BYTES + (0 if cells is None else cells.nbytes)
