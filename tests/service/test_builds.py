"""Building and publishing: what a build leaves behind when it ends well, and when it does not."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from catalog.database import WriteSession
from catalog.errors import TerrainNotFound
from catalog.models import Pyramid
from catalog.repository import pyramids, terrains
from full_disk import files_at_most
from installations import Installation
from raster.errors import MetricNotFound, SourceChanged, TerrainEmpty
from raster.storage.local import LocalRoot
from raster.storage.store import read_manifest
from raster.window import StoredPyramid
from service.build_plans import href_of, plan_build
from service.builds import build_pyramid
from service.creation import TerrainOrder, create_terrain
from service.errors import BuildCancelled, BuildFailedBefore, BuildSuperseded, StoreUnavailable
from service.freshness import find_fresh
from service.house import House
from service.registration import register_tiles
from service.terrain_grids import grid_of
from service.tile_orders import TileOrder
from stored_files import StoredFile

CELLS = np.array([[1, 41, 37], [3, 62, 23], [87, 12, 34]], dtype=np.int16)
LEVELS = ([[1, 41, 37], [3, 62, 23], [87, 12, 34]], [[62, 37], [87, 34]], [[87]])


def ignore(done: int, total: int) -> None:
    """Progress nobody looks at."""


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    """An installation with one terrain of 3 x 3 cells, not built."""
    np.save(installation.tiles / "a.npy", CELLS)
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps", unit="m"))
        register_tiles(house, "alps", [TileOrder(url="a.npy", x=0, y=0)])
        yield house


def pyramid_of(house: House, metric: str = "max") -> Pyramid | None:
    with house.database.read() as session:
        return pyramids.find_pyramid(session, terrains.get_terrain(session, "alps").id, metric)


def change(house: House, installation: Installation) -> None:
    """A new revision of the terrain."""
    np.save(installation.tiles / "b.npy", CELLS)
    register_tiles(house, "alps", [TileOrder(url="b.npy", x=3, y=0)])


def test_a_build_is_published_and_holds_every_level(house: House) -> None:
    generation_id = build_pyramid(house, "alps", "max", ignore)
    pyramid = pyramid_of(house)
    assert pyramid is not None
    generation = pyramid.generation
    assert generation is not None
    assert generation.id == generation_id == find_fresh(house, "alps", "max")
    assert (generation.level_count, generation.height, generation.width) == (3, 3, 3)
    assert (generation.dtype, generation.unit, generation.revision) == ("int16", "m", 1)
    grid = grid_of(generation)
    stored = StoredPyramid(house.pyramid_root(generation.href), grid)
    for level, expected in enumerate(LEVELS):
        assert stored.read_window(level, grid.level(level).window).tolist() == expected


def test_latest_json_names_the_generation_for_readers_of_the_store_alone(
    house: House, installation: Installation
) -> None:
    build_pyramid(house, "alps", "max", ignore)
    change(house, installation)
    newest = build_pyramid(house, "alps", "max", ignore)
    folder = installation.store_folder / "alps" / "max"
    latest = json.loads((folder / "latest.json").read_text())
    assert latest.keys() == {"generation", "href", "built_at"}
    assert latest["generation"] == newest
    assert read_manifest(LocalRoot(folder / latest["href"])).objects
    assert datetime.fromisoformat(latest["built_at"]).tzinfo is not None


def test_latest_json_does_not_go_back_to_a_build_that_was_overtaken_as_it_ended(
    house: House, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest: list[str] = []

    def overtake() -> None:
        if not newest:
            newest.append("")
            newest[0] = build_pyramid(house, "alps", "max", ignore, again=True) or ""

    after_publishing(house, monkeypatch, overtake)
    assert build_pyramid(house, "alps", "max", ignore) != newest[0]
    latest = json.loads((StoredFile(str(installation.store)) / "alps/max/latest.json").read_bytes())
    assert latest["generation"] == newest[0] == find_fresh(house, "alps", "max")


def after_publishing(house: House, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Act when a publication has been committed, before the build goes on."""
    publish, write = pyramids.publish_generation, house.database.write
    published: list[str] = []

    def publish_and_note(session: WriteSession, new: pyramids.NewGeneration, *more: Any) -> bool:
        published.append(new.id)
        return publish(session, new, *more)

    @contextmanager
    def write_and_act() -> Iterator[WriteSession]:
        with write() as session:
            yield session
        if published:
            published.clear()
            act()

    monkeypatch.setattr(pyramids, "publish_generation", publish_and_note)
    monkeypatch.setattr(house.database, "write", write_and_act)


def test_the_generation_before_stays_readable(house: House, installation: Installation) -> None:
    before = plan_build(house, "alps", ["max"])
    first = build_pyramid(house, "alps", "max", ignore)
    change(house, installation)
    assert find_fresh(house, "alps", "max") is None
    build_pyramid(house, "alps", "max", ignore)
    root = installation.store_folder / "alps" / "max" / f"{first}.zarr"
    stored = StoredPyramid(LocalRoot(root), before.plan.grid)
    assert stored.read_window(2, before.plan.grid.level(2).window).tolist() == [[87]]


def test_a_failure_is_recorded_and_leaves_nothing(house: House, installation: Installation) -> None:
    (installation.tiles / "a.npy").unlink()
    with pytest.raises(Exception, match=r"a\.npy"):
        build_pyramid(house, "alps", "max", ignore)
    pyramid = pyramid_of(house)
    assert pyramid is not None
    assert pyramid.generation_id is None
    assert pyramid.failed_revision == 1
    assert pyramid.failure is not None
    assert pyramid.failure["error"] == "SourceNotFound"
    assert "a.npy" in pyramid.failure["detail"]
    assert installation.stored_files() == []


def test_a_failure_keeps_the_pyramid_that_is_in_use(house: House, installation: Installation) -> None:
    first = build_pyramid(house, "alps", "max", ignore)
    before = installation.stored_files()
    change(house, installation)
    np.save(installation.tiles / "b.npy", CELLS[:2])
    with pytest.raises(SourceChanged, match=r"b\.npy"):
        build_pyramid(house, "alps", "max", ignore)
    assert installation.stored_files() == before
    pyramid = pyramid_of(house)
    assert pyramid is not None
    assert pyramid.generation_id == first
    assert pyramid.failure is not None


def test_a_build_that_succeeds_forgets_the_failure(house: House, installation: Installation) -> None:
    (installation.tiles / "a.npy").rename(installation.tiles / "away.npy")
    with pytest.raises(Exception, match=r"a\.npy"):
        build_pyramid(house, "alps", "max", ignore)
    (installation.tiles / "away.npy").rename(installation.tiles / "a.npy")
    with pytest.raises(BuildFailedBefore, match=r"a\.npy"):
        build_pyramid(house, "alps", "max", ignore)
    build_pyramid(house, "alps", "max", ignore, insists=True)
    pyramid = pyramid_of(house)
    assert pyramid is not None
    assert pyramid.failure is None


def test_a_superseded_build_is_removed(house: House, installation: Installation) -> None:
    kept: list[str] = []

    def overtake(done: int, total: int) -> None:
        if not kept:
            kept.append("")
            change(house, installation)
            kept[0] = build_pyramid(house, "alps", "max", ignore) or ""

    with pytest.raises(BuildSuperseded, match="alps"):
        build_pyramid(house, "alps", "max", overtake)
    assert find_fresh(house, "alps", "max") == kept[0]
    generations = {path.split("/")[2].partition(".")[0] for path in installation.stored_files()}
    assert generations == {kept[0], "latest"}


def test_a_stopped_build_leaves_no_group_and_no_thread_and_the_next_one_goes_on(
    house: House, installation: Installation
) -> None:
    running = set(threading.enumerate())

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_pyramid(house, "alps", "max", stop)
    assert set(threading.enumerate()) <= running
    assert pyramid_of(house) is None
    left = installation.stored_files()
    assert [path for path in left if path.endswith(".journal")]
    assert not [path for path in left if path.endswith("zarr/zarr.json")]
    (installation.tiles / "a.npy").unlink()
    build_pyramid(house, "alps", "max", ignore)  # all of its one shard was finished
    assert pyramid_of(house) is not None


def test_what_was_stopped_long_ago_is_swept_by_the_next_build(
    house: House, installation: Installation
) -> None:
    def stop(done: int, total: int) -> None:
        raise BuildCancelled

    with pytest.raises(BuildCancelled):
        build_pyramid(house, "alps", "max", stop)
    left = set(installation.stored_files())
    build_pyramid(house, "alps", "max", ignore)
    assert left <= set(installation.stored_files())
    (journal,) = (installation.store_folder / "alps" / "max").glob("*.journal")
    os.utime(journal, (0, 0))
    register_tiles(house, "alps", [TileOrder(url="a.npy", x=0, y=0, priority=1)])
    build_pyramid(house, "alps", "max", ignore)
    assert not left & set(installation.stored_files())


def test_an_interruption_after_publishing_takes_nothing_from_readers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    after_publishing(house, monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_pyramid(house, "alps", "max", ignore)
    published = find_fresh(house, "alps", "max")
    assert published is not None
    assert house.pyramid_root(f"alps/max/{published}.zarr").read_manifest() is not None


def test_a_full_disk_is_an_error_of_the_store_and_leaves_nothing(
    house: House, installation: Installation
) -> None:
    cells = np.random.default_rng(0).random((600, 600))
    np.save(installation.tiles / "large.npy", cells)
    register_tiles(house, "alps", [TileOrder(url="large.npy", x=10, y=0)])
    assert installation.stored_files() == []
    with files_at_most(2**20), pytest.raises(StoreUnavailable, match="ZIGGURAT_STORE_URL"):
        build_pyramid(house, "alps", "max", ignore)
    assert installation.stored_files() == []
    pyramid = pyramid_of(house)
    assert pyramid is not None
    assert pyramid.failure == {
        "error": "StoreUnavailable",
        "detail": "The store of the pyramids cannot be used right now",
        "data": {},
        "transient": True,
    }


def test_a_store_that_cannot_be_a_folder_is_named(installation: Installation, house: House) -> None:
    (installation.folder / "taken").write_text("")
    with (
        installation.house(store_url=installation.folder / "taken") as broken,
        pytest.raises(StoreUnavailable, match=r"taken.*Not a directory"),
    ):
        build_pyramid(broken, "alps", "max", ignore)


def test_what_cannot_be_planned_is_refused_before_anything_is_written(
    house: House, installation: Installation
) -> None:
    create_terrain(house, TerrainOrder(name="empty"))
    with pytest.raises(TerrainNotFound, match="nowhere"):
        build_pyramid(house, "nowhere", "max", ignore)
    with pytest.raises(MetricNotFound, match="there are max, min, mean, count"):
        build_pyramid(house, "alps", "maximum", ignore)
    with pytest.raises(TerrainEmpty, match="empty"):
        build_pyramid(house, "empty", "max", ignore)
    assert not (installation.store_folder).exists()


def test_planning_writes_nothing_and_opens_no_source(house: House, installation: Installation) -> None:
    (installation.tiles / "a.npy").unlink()
    planned = plan_build(house, "alps", ["max"])
    assert href_of(planned.plan.pyramids[0]).startswith("alps/max/g")
    assert planned.plan.grid.shape == (3, 3)
    assert not (installation.store_folder).exists()


def test_progress_ends_at_all_shards(house: House) -> None:
    steps: list[tuple[int, int]] = []
    build_pyramid(house, "alps", "max", lambda done, total: steps.append((done, total)))
    assert steps == [(1, 1)]
