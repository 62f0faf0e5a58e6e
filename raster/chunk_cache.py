"""Decoded chunks that are kept, up to so many bytes: for all pyramids of a process together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
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


Decode = Callable[[Sequence[ChunkKey]], Iterable[Cells | None]]

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

    def get(self, keys: Sequence[ChunkKey], decode: Decode) -> list[Cells | None]:
        """Chunks as they are kept, or as `decode` gives them; None for those that are all fill.

        Parameters
        ----------
        keys : sequence of ChunkKey
            Different ones.
        decode : keys -> chunks
            Called once, with those that nobody has or is about to have; a store that is asked over a network
            is then asked for all of them at once.

        Returns
        -------
        Cells that several may read: nobody writes into them.

        Raises
        ------
        What `decode` raises, here or for who asked first.
        """
        found: dict[ChunkKey, Cells | None] = {}
        coming: dict[ChunkKey, Future[Cells | None]] = {}
        own: dict[ChunkKey, Future[Cells | None]] = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found[key] = self._kept[key]
                elif key in self._coming:
                    coming[key] = self._coming[key]
                else:
                    own[key] = self._coming[key] = Future()
        if own:
            found |= self._decode(own, decode)
        found |= {key: each.result() for key, each in coming.items()}
        return [found[key] for key in keys]

    def _decode(
        self, own: Mapping[ChunkKey, Future[Cells | None]], decode: Decode
    ) -> Mapping[ChunkKey, Cells | None]:
        try:
            decoded = dict(zip(own, decode(list(own)), strict=True))
        except BaseException as error:
            with self._lock:
                for key in own:
                    del self._coming[key]
            for each in own.values():
                each.set_exception(error)
            raise
        with self._lock:
            for key, cells in decoded.items():
                self._keep(key, cells)
                del self._coming[key]
        for key, each in own.items():
            each.set_result(decoded[key])
        return decoded

    def _keep(self, key: ChunkKey, cells: Cells | None) -> None:
        if cells is not None:
            cells.flags.writeable = False
        self._kept[key] = cells
        self._byte_count += _size(cells)
        while self._byte_count > self._most_bytes:
            self._byte_count -= _size(self._kept.popitem(last=False)[1])


def _size(cells: Cells | None) -> int:
    return ENTRY_BYTES + (0 if cells is None else cells.nbytes)
