"""The desk: equal orders are one build, a newer revision is another, and closing stops what runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from catalog.errors import TerrainNotFound
from installations import Installation
from raster.errors import SourceNotFound
from rest import generation_count, hold_catalogue
from service.build_desk import BuildDesk
from service.builds import build_pyramid
from service.creation import TerrainOrder, create_terrain
from service.errors import BuildCancelled, BuildFailedBefore
from service.freshness import find_fresh
from service.house import House
from service.ordered_builds import Build, BuildProgress, Order
from service.registration import register_tiles
from service.tile_orders import TileOrder

ALPS = 1
FIRST, SECOND = 1, 2


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    """An installation with one terrain of one tile, at revision 1, not built."""
    np.save(installation.tiles / "a.npy", np.array([[1, 2], [3, 4]], dtype=np.int16))
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="alps"))
        register_tiles(house, "alps", [TileOrder(url="a.npy", x=0, y=0)])
        yield house


@pytest.fixture
def desk(house: House) -> Iterator[BuildDesk]:
    desk = BuildDesk(house)
    yield desk
    desk.close()


def wait(build: Build, seconds: float = 30.0) -> bool:
    return asyncio.run(build.wait(seconds))


def change(house: House) -> None:
    """A second revision."""
    register_tiles(house, "alps", [TileOrder(url="a.npy", x=0, y=0, priority=1)])


def test_equal_orders_are_one_build_and_what_differs_is_another(
    installation: Installation, desk: BuildDesk
) -> None:
    with hold_catalogue(installation):
        first = desk.order(ALPS, "max", FIRST)
        assert desk.order(ALPS, "max", FIRST) is first
        assert desk.find(ALPS, "max") is first
        other = desk.order(ALPS, "min", FIRST)
        assert other is not first
        assert not wait(first, 0.0), "it was to wait for the catalogue"
    assert wait(first)
    assert wait(other)
    assert desk.find(ALPS, "max") is None
    assert generation_count(installation) == 2
    assert first.progress == BuildProgress(1, 1)


def test_an_order_of_a_newer_revision_follows_a_build_that_has_begun(
    installation: Installation, house: House, desk: BuildDesk
) -> None:
    with hold_catalogue(installation) as catalogue:
        first = desk.order(ALPS, "max", FIRST)
        while first.revision is None:
            time.sleep(0.005)
        catalogue.execute(text("UPDATE terrain SET revision = 2"))
        second = desk.order(ALPS, "max", SECOND)
        assert second is not first
        assert desk.order(ALPS, "max", FIRST) is second, "it holds whatever the first one does"
        assert desk.order(ALPS, "max", SECOND) is second
    assert wait(second)
    assert find_fresh(house, ALPS, "max") is not None


def test_an_order_for_what_is_fresh_by_now_builds_nothing(
    installation: Installation, house: House, desk: BuildDesk
) -> None:
    build_pyramid(house, ALPS, "max", lambda done, total: None)
    assert wait(desk.order(ALPS, "max", FIRST))
    assert generation_count(installation) == 1


def test_whoever_waits_is_told_what_the_build_raised_and_the_next_order_is_a_new_build(
    installation: Installation, house: House, desk: BuildDesk
) -> None:
    away = installation.folder / "away.npy"
    (installation.tiles / "a.npy").rename(away)
    failing = desk.order(ALPS, "max", FIRST)
    for _ in range(2):
        with pytest.raises(SourceNotFound, match=r"a\.npy"):
            wait(failing)
    failure = desk.find_failure(ALPS, "max")
    assert failure is not None
    assert failure.error == "SourceNotFound"
    away.rename(installation.tiles / "a.npy")
    with pytest.raises(BuildFailedBefore, match=r"a\.npy"):
        wait(desk.order(ALPS, "max", FIRST))
    assert wait(desk.order(ALPS, "max", FIRST, Order(insists=True)))
    assert desk.find_failure(ALPS, "max") is None


def test_a_terrain_that_is_gone_is_no_failure_of_its_pyramid(desk: BuildDesk) -> None:
    with pytest.raises(TerrainNotFound):
        wait(desk.order(99, "max", FIRST))
    assert desk.find_failure(99, "max") is None


def test_closing_cancels_what_waits_and_takes_no_more_orders(
    installation: Installation, house: House
) -> None:
    desk = BuildDesk(house)
    with ThreadPoolExecutor() as pool, hold_catalogue(installation):
        running = desk.order(ALPS, "max", FIRST)
        while running.revision is None:
            time.sleep(0.005)
        waiting = desk.order(ALPS, "min", FIRST)
        closing = pool.submit(desk.close)
        with pytest.raises(BuildCancelled):
            wait(waiting)
    closing.result()
    for metric in ("max", "min", "mean"):
        with pytest.raises(BuildCancelled):
            wait(desk.order(ALPS, metric, FIRST))
        assert desk.find_failure(ALPS, metric) is None


def test_closing_stops_a_build_at_its_next_shard_and_the_next_one_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = BuildDesk(house)
    begun, go_on = threading.Event(), threading.Event()

    def build_slowly(
        house: House, terrain_id: int, metric: str, on_shard: Callable[[int, int], None], **how: Any
    ) -> str | None:
        def on_each(done: int, total: int) -> None:
            begun.set()
            assert go_on.wait(30)
            on_shard(done, total)

        return build_pyramid(house, terrain_id, metric, on_each, **how)

    monkeypatch.setattr("service.build_desk.build_pyramid", build_slowly)
    with ThreadPoolExecutor() as pool:
        build = desk.order(ALPS, "max", FIRST)
        assert begun.wait(30)
        closing = pool.submit(desk.close)
        try:
            with pytest.raises(BuildCancelled):
                wait(build)  # told at once, while the shard goes on
            assert not closing.done()
        finally:
            go_on.set()
    closing.result()
    assert find_fresh(house, ALPS, "max") is None
    build_pyramid(house, ALPS, "max", lambda done, total: None)


def test_whoever_leaves_does_not_stop_the_build(installation: Installation, desk: BuildDesk) -> None:
    async def leave() -> None:
        waiting = asyncio.create_task(build.wait(30.0))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with hold_catalogue(installation):
        build = desk.order(ALPS, "max", FIRST)
        asyncio.run(leave())
        assert not build.outcome.done()
    assert wait(build)
