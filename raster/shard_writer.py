"""The objects of one shard, one for each array that is stored there, made from the top down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from raster.cells import Cells
from raster.grid import Window
from raster.object_format import ObjectEncoder, ObjectFormat
from raster.storage.manifest import StoredObject
from raster.storage.store import ObjectFolder


class ShardWriter:
    """Takes the cells of a shard a row of chunks at a time: compressed, they are a fraction of it."""

    def __init__(self, formats: Sequence[ObjectFormat], window: Window) -> None:
        self._encoders = {each.array.name: (each, ObjectEncoder(each)) for each in formats}
        self._window = window

    def chunk_rows(self) -> Iterator[slice]:
        """The rows of the shard that are to be added, one after the other."""
        # all arrays of a level have the same chunks
        how, _ = next(iter(self._encoders.values()))
        return how.chunk_rows(self._window.height)

    def add(self, arrays: Mapping[str, Cells]) -> None:
        """The cells of the next row of chunks, of each array."""
        for name, (_, encoder) in self._encoders.items():
            encoder.add(arrays[name])

    def put(self, folder: ObjectFolder) -> tuple[StoredObject, ...]:
        """Store what was added; an array whose cells are all fill is not stored."""
        stored: list[StoredObject] = []
        for how, encoder in self._encoders.values():
            pieces = encoder.finish()
            if pieces:
                stored.append(folder.put(how.key(self._window), *pieces))
        return tuple(stored)
