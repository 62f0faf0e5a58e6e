"""The use-case behind a map tile: which generation is shown, kept open for a while, and its cells."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from catalog.models import Generation, Pyramid
from catalog.repository import generations, pyramids, terrains
from raster.errors import PyramidCorrupt
from raster.map_tiles.chunk_cache import ChunkCache
from raster.map_tiles.chunks import StoredChunks
from raster.map_tiles.ground import Transformers
from raster.map_tiles.reading import MappedPyramid, MapTile, TileAsked, read_map_tile
from service.corruption import mark_corrupt
from service.errors import StoreUnavailable
from service.house import House
from service.standing import Standing, look_up
from service.storing import reporting_store
from service.tally import STORE_READS
from service.terrain_grids import cell_type_of, grid_of

DEFAULT = "default"
"""In place of a metric's name: mean where it is built, else max."""

KEPT = 64
"""Generations that are kept open."""

PINNED_S = 60.0
"""How long a generation may be shown that the catalogue has forgotten, as long as it lies there."""

CURRENT_S = 2.0
"""How long one is shown as the current one before the catalogue is asked again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the address of a map names: a pyramid of a terrain, or just one generation of it."""

    terrain: str
    metric: str
    generation: str | None

    @classmethod
    def parse(cls, terrain: str, metric: str) -> Shown:
        """`metric` as an address has it: `max`, `default`, or `max@g…` for one generation."""
        name, _, generation = metric.partition("@")
        return cls(terrain, name, generation or None)

    @property
    def is_pinned(self) -> bool:
        """Whether it never means anything else."""
        return self.generation is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """A generation that is open, and may be shown under an address.

    `standing`: how its pyramid stands, where the address does not pin the generation.
    """

    generation: Generation
    pyramid: MappedPyramid
    standing: Standing | None = None

    @property
    def is_stale(self) -> bool:
        """Whether it is of the terrain as it was."""
        return self.standing is not None and not self.standing.is_fresh


@dataclass(frozen=True, slots=True)
class _Kept:
    view: MapView
    until: float
    change_count: int


class MapReader:
    """Finds generations to show and reads their map tiles; keeps both for a while."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._cache = ChunkCache(house.settings.chunk_cache)
        self._transformers = Transformers()
        self._open: OrderedDict[str, MappedPyramid] = OrderedDict()
        self._kept: OrderedDict[Shown, _Kept] = OrderedDict()
        self._lock = Lock()

    def kept(self, shown: Shown) -> MapView | None:
        """What was found a short while ago, if that is not known to have changed."""
        with self._lock:
            kept = self._kept.get(shown)
        if kept is None or monotonic() > kept.until:
            return None
        is_known = shown.is_pinned or kept.change_count == self._house.database.change_count
        return kept.view if is_known else None

    def stand(self, shown: Shown) -> Standing:
        """How the pyramid stands that a map without a pinned generation shows. Reads the catalogue only.

        Raises
        ------
        TerrainNotFound, MetricNotFound
        """
        metric = self._default_metric(shown.terrain) if shown.metric == DEFAULT else shown.metric
        return look_up(self._house, shown.terrain, metric)

    def get_generation(self, shown: Shown) -> Generation:
        """The generation that an address pins. Reads the catalogue only.

        Raises
        ------
        TerrainNotFound, GenerationNotFound
        """
        with self._house.database.read() as session:
            return generations.get_generation(session, shown.terrain, shown.metric, str(shown.generation))

    def open(self, generation: Generation) -> MappedPyramid:
        """A generation's cells, its levels opened once while it is kept.

        Raises
        ------
        PyramidCorrupt
            The catalogue then knows it, too.
        StoreUnavailable
        """
        with self._lock:
            known = self._open.get(generation.id)
        if known is not None:
            return known
        root = self._house.pyramid_root(generation.href)
        try:
            with reporting_store():
                chunks = StoredChunks(root, grid_of(generation), self._cache, generation.manifest_sha256)
        except PyramidCorrupt:
            mark_corrupt(self._house, generation)
            raise
        opened = MappedPyramid(chunks, cell_type_of(generation), self._transformers)
        with self._lock:
            opened = self._open.setdefault(generation.id, opened)
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
        return opened

    def find(self, shown: Shown) -> MapView | Standing:
        """What an address shows; how its pyramid stands where there is nothing to show. Blocks.

        Raises
        ------
        TerrainNotFound, MetricNotFound, GenerationNotFound
        PyramidCorrupt, StoreUnavailable
        """
        change_count = self._house.database.change_count  # before it is read: what changes meanwhile counts
        if shown.is_pinned:
            generation = self.get_generation(shown)
            view = MapView(generation=generation, pyramid=self.open(generation))
        else:
            standing = self.stand(shown)
            if standing.generation is None:
                return standing
            view = MapView(
                generation=standing.generation, pyramid=self.open(standing.generation), standing=standing
            )
        until = monotonic() + (PINNED_S if shown.is_pinned else CURRENT_S)
        with self._lock:
            self._kept.pop(shown, None)
            self._kept[shown] = _Kept(view, until, change_count)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return view

    def read(self, view: MapView, asked: TileAsked) -> MapTile:
        """A map tile. Blocks.

        Raises
        ------
        MatrixSetNotFound, MapTileNotFound, TerrainNotOnMap
        PyramidCorrupt
            The catalogue then knows it, too, and the next request builds anew.
        StoreUnavailable
        """
        try:
            with reporting_store():
                tile = read_map_tile(view.pyramid, asked)
        except PyramidCorrupt:
            mark_corrupt(self._house, view.generation)
            raise
        except StoreUnavailable:
            self._house.tally.add(STORE_READS, "unavailable")
            raise
        self._house.tally.add(STORE_READS, "read")
        return tile

    def _default_metric(self, terrain_key: str) -> str:
        """Mean, if it can be shown, else max, if it can; else the one of the two that was built."""
        with self._house.database.read() as session:
            terrain = terrains.get_terrain(session, terrain_key)
            known = {each.metric: each for each in pyramids.list_pyramids(session, terrain.id)}
        ordered = [known[metric] for metric in ("mean", "max") if metric in known]
        for is_good in (_is_usable, _is_built):
            for pyramid in ordered:
                if is_good(pyramid):
                    return pyramid.metric
        return "max"


def _is_usable(pyramid: Pyramid) -> bool:
    return _is_built(pyramid) and not pyramid.corrupt


def _is_built(pyramid: Pyramid) -> bool:
    return pyramid.generation is not None
