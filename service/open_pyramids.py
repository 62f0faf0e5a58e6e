"""Pyramids that are kept open for reading, and what becomes of one that is found damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from catalog.models import Generation
from raster.cached_chunks import CachedChunks
from raster.chunk_cache import ChunkCache
from raster.errors import PyramidCorrupt
from raster.window import StoredPyramid
from service.corruption import mark_corrupt
from service.errors import StoreUnavailable
from service.house import House
from service.storing import reporting_store
from service.tally import STORE_READS, Tally
from service.terrain_grids import grid_of

KEPT = 64
"""Generations that are kept open."""


class OpenPyramids:
    """The generations that were read last, open, since they never change. Threads may share it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._cache = ChunkCache(house.settings.chunk_cache)
        self._open = lru_cache(maxsize=KEPT)(StoredPyramid)

    @property
    def tally(self) -> Tally:
        """Where it is counted what is read."""
        return self._house.tally

    def chunks_of(self, stored: StoredPyramid) -> CachedChunks:
        """The chunks of a pyramid, decoded once for all who want some of them."""
        return CachedChunks(stored, self._cache)

    @contextmanager
    def reading(self, generation: Generation) -> Iterator[StoredPyramid]:
        """Read cells of a generation within, once; blocks.

        Raises
        ------
        PyramidCorrupt
            The catalogue then knows it, too, and the next request builds anew.
        StoreUnavailable
            The store cannot be read now, which says nothing about the pyramid.
        """
        root = self._house.pyramid_root(generation.href)
        pyramid = self._open(root, grid_of(generation), generation.manifest_sha256)
        try:
            with reporting_store():
                yield pyramid
        except PyramidCorrupt:
            mark_corrupt(self._house, generation)
            raise
        except StoreUnavailable:
            self._house.tally.add(STORE_READS, "unavailable")
            raise
        self._house.tally.add(STORE_READS, "read")
