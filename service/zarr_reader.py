"""The use-case behind the Zarr over HTTP: stored objects of a generation, as they lie in the store."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

from catalog.errors import GenerationNotFound, TerrainNotFound
from catalog.models import Generation
from catalog.repository import generations
from raster.errors import PyramidCorrupt
from raster.storage.manifest import StoredPart
from raster.storage.store import read_manifest
from raster.strict_objects import StrictObjects
from raster.unsharded import UnshardedView
from service.corruption import mark_corrupt
from service.house import House
from service.storing import reporting_store

KEPT = 64
"""Generations that are kept open."""

KEPT_S = 60.0
"""How long a generation may be read that the catalogue has forgotten, as long as it lies there."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What an address of a Zarr names: it never means anything else."""

    terrain: str
    metric: str
    generation: str


@dataclass(frozen=True, slots=True)
class OpenZarr:
    """A generation that is open for reading."""

    generation: Generation
    objects: StrictObjects
    unsharded: UnshardedView
    opened_at: float

    async def find(self, key: str, *, is_sharded: bool) -> StoredPart | bytes | None:
        """What lies under a key; None for nothing.

        Raises
        ------
        PyramidCorrupt
        StoreUnavailable
        """
        if not is_sharded:
            with reporting_store():
                return await self.unsharded.find(key)
        stored = self.objects.manifest.objects.get(key)
        return None if stored is None else StoredPart.whole(stored)

    async def read(self, part: StoredPart, start: int, stop: int) -> bytes:
        """Bytes of a part, from `start` to `stop`.

        Raises
        ------
        PyramidCorrupt
        StoreUnavailable
        """
        is_whole = start == 0 and stop == part.stored.size
        with reporting_store():
            return await self.objects.read(
                part.stored, part.start + start, None if is_whole else part.start + stop
            )


class ZarrReader:
    """Opens generations and keeps some of them open: they never change. For one event loop."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: OrderedDict[Pinned, OpenZarr] = OrderedDict()

    def kept(self, pinned: Pinned) -> OpenZarr | None:
        """The generation if it was opened a short while ago."""
        found = self._kept.get(pinned)
        return found if found is not None and monotonic() - found.opened_at < KEPT_S else None

    def keep(self, pinned: Pinned, opened: OpenZarr) -> None:
        """Have the next ones find it open."""
        self._kept.pop(pinned, None)
        self._kept[pinned] = opened
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def open(self, pinned: Pinned) -> OpenZarr:
        """Open a generation. Blocks.

        Raises
        ------
        GenerationNotFound
        PyramidCorrupt
        StoreUnavailable
        """
        generation = self.get_generation(pinned)
        root = self._house.pyramid_root(generation.href)
        try:
            with reporting_store():
                objects = StrictObjects(root, read_manifest(root, generation.manifest_sha256))
        except PyramidCorrupt:
            mark_corrupt(self._house, generation)
            raise
        return OpenZarr(generation, objects, UnshardedView(objects), monotonic())

    def report(self, pinned: Pinned) -> None:
        """Have a generation that was found damaged built anew, if it is in use. Blocks.

        Raises
        ------
        GenerationNotFound
            It was no damage: the generation is collected, or its terrain deleted.
        """
        mark_corrupt(self._house, self.get_generation(pinned))

    def get_generation(self, pinned: Pinned) -> Generation:
        """What the catalogue knows of a generation. Blocks.

        Raises
        ------
        GenerationNotFound
        """
        try:
            with self._house.database.read() as session:
                return generations.get_generation(session, pinned.terrain, pinned.metric, pinned.generation)
        except TerrainNotFound as error:
            # 404 is a chunk of nodata to readers that have opened the group before
            raise GenerationNotFound(pinned.terrain, pinned.metric, pinned.generation) from error
