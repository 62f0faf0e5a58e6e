"""Several pyramids of one terrain: sources are read once, and level 0 is stored once where it is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.repository import pyramids, terrains
from installations import Installation, make_installation
from raster.errors import SourcesUnavailable
from raster.sources.npy import NpySource
from raster.storage.local import LocalRoot
from raster.storage.store import read_manifest
from service.builds import build_pyramids
from service.creation import TerrainOrder, create_terrain
from service.house import House
from service.registration import register_tiles
from service.tile_orders import TileOrder
from service.verification import Thoroughness, verify_pyramids

NAMES = ("a.npy", "b.npy")


def ignore(done: int, total: int) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """On a file: these tests are about cells, and take long."""
    return make_installation(tmp_path)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    """A terrain of two tiles of which the second one is a shard away, not built."""
    rng = np.random.default_rng(2)
    for name in NAMES:
        np.save(installation.tiles / name, rng.integers(-50, 50, (60, 60)).astype(np.float32))
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps"))
        orders = [TileOrder(url=name, x=x, y=0) for name, x in zip(NAMES, (0, 3000), strict=True)]
        register_tiles(house, "alps", orders)
        yield house


@pytest.fixture
def cells_read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Cells read from each source."""
    counter: Counter[str] = Counter()
    read = NpySource.read_window

    def counting(source: NpySource, window: object) -> np.ndarray:
        cells = read(source, window)  # type: ignore[arg-type]
        counter[source.ranges.url] += cells.size
        return cells

    monkeypatch.setattr(NpySource, "read_window", counting)
    return counter


def root_of(house: House, metric: str) -> LocalRoot:
    with house.database.read() as session:
        found = pyramids.find_pyramid(session, terrains.get_terrain(session, "alps").id, metric)
    assert found is not None
    assert found.generation is not None
    return LocalRoot(Path(house.pyramid_root(found.generation.href).url))


def level_0(house: House, metric: str) -> dict[str, Path]:
    root = root_of(house, metric)
    keys = [key for key in read_manifest(root).objects if key.startswith("0/elevation/c/")]
    return {key: root.path / key for key in keys}


def assert_right(house: House, *metrics: str) -> None:
    thoroughness = Thoroughness(windows=6, cell_budget=2**24, seed=0)
    for verdict in verify_pyramids(house, "alps", metrics, thoroughness, ignore):
        assert verdict.flaws == []


def test_metrics_that_are_built_together_read_each_source_once(
    house: House, cells_read: Counter[str]
) -> None:
    metrics = house.metrics.names
    build_pyramids(house, "alps", metrics, ignore)
    assert cells_read == dict.fromkeys(NAMES, 3600)
    assert_right(house, *metrics)


def test_a_later_metric_takes_level_0_over_and_opens_no_source(
    house: House, installation: Installation, cells_read: Counter[str]
) -> None:
    build_pyramids(house, "alps", ["max"], ignore)
    kept = {name: (installation.tiles / name).rename(installation.folder / name) for name in NAMES}
    build_pyramids(house, "alps", ["min", "mean"], ignore)
    for metric in ("min", "mean"):  # floats: the mean's level 0 is the terrain itself, too
        assert level_0(house, metric).keys() == level_0(house, "max").keys()
        for key, path in level_0(house, metric).items():
            assert path.samefile(level_0(house, "max")[key])
    assert cells_read == dict.fromkeys(NAMES, 3600)
    with pytest.raises(SourcesUnavailable):
        build_pyramids(house, "alps", ["count"], ignore)
    for name, path in kept.items():
        path.rename(installation.tiles / name)
    assert_right(house, "min", "mean")


def test_a_damaged_level_0_is_made_from_the_sources(house: House, cells_read: Counter[str]) -> None:
    build_pyramids(house, "alps", ["max"], ignore)
    damaged, *_ = level_0(house, "max").values()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    build_pyramids(house, "alps", ["min"], ignore)
    assert cells_read == {"a.npy": 7200, "b.npy": 3600}
    assert_right(house, "min")


def test_level_0_of_a_pyramid_that_is_known_to_be_wrong_is_no_use(
    house: House, cells_read: Counter[str]
) -> None:
    """Its objects may be whole all the same."""
    build_pyramids(house, "alps", ["max"], ignore)
    with house.database.write() as session:
        terrain = terrains.get_terrain(session, "alps")
        pyramids.mark_corrupt(session, terrain.id, "max", root_of(house, "max").generation)
    build_pyramids(house, "alps", ["min"], ignore)
    assert cells_read == dict.fromkeys(NAMES, 7200)


def test_another_revision_s_level_0_is_no_use(house: House, installation: Installation) -> None:
    build_pyramids(house, "alps", ["max"], ignore)
    np.save(installation.tiles / "a.npy", np.full((60, 60), 7, np.float32))
    register_tiles(house, "alps", [TileOrder(url="a.npy", x=0, y=0)])
    build_pyramids(house, "alps", ["min"], ignore)
    assert_right(house, "min")


def test_another_dtype_s_level_0_is_no_use(house: House, installation: Installation) -> None:
    for name in NAMES:
        np.save(installation.tiles / name, np.full((60, 60), 7, np.int16))
    register_tiles(
        house, "alps", [TileOrder(url=name, x=x, y=0) for name, x in zip(NAMES, (0, 3000), strict=True)]
    )
    build_pyramids(house, "alps", ["max"], ignore)
    build_pyramids(house, "alps", ["mean"], ignore)  # float32 of integers
    assert_right(house, "mean")
