"""Builds that may go without tiles and builds that may not meet: in the queue, under way and in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy import select

from catalog.models import BuildLease, Terrain
from catalog.repository import terrains
from catalog.repository.lease_views import LeaseView, list_live_leases
from catalog.repository.leases import LeaseState
from installations import Installation
from rest import AppClient, hold_catalogue, open_client, problem_in, until
from service.build_desk import BuildDesk
from service.build_turns import RECIPE, RECIPES, leave_turn, take_turn, want, wanted_build
from service.builds import build_pyramid, build_pyramids
from service.complete_builds import complete_builds
from service.freshness import find_fresh
from service.house import House
from service.levels import LevelReader
from service.on_missing import OnMissing
from service.open_pyramids import OpenPyramids
from service.ordered_builds import WHOLE, Order
from service.pyramid_states import State
from service.windows import WindowAsked
from three_tiles import (
    assert_cells,
    ignore,
    mask,
    missing_of,
    native,
    put_back,
    state_of,
    take_away,
    three_tiles,
)

STATE = "/terrain/alps/pyramid/max"
WAIT = {"Prefer": "wait=30"}
MASKED = Order(on_missing=OnMissing.MASK, insists=True)
LEVEL = Order(takes_any=True)


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with three_tiles(installation) as house:
        yield house


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation) as client:
        yield client


@contextmanager
def desk_of(house: House, room: int = 1) -> Iterator[BuildDesk]:
    settings = house.settings.model_copy(update={"builds_per_replica": room})
    desk = BuildDesk(replace(house, settings=settings), looks_every_s=0.05)
    try:
        yield desk
    finally:
        desk.close()


def alps(house: House) -> Terrain:
    with house.database.read() as session:
        return terrains.get_terrain(session, "alps")


def wished(house: House) -> dict[tuple[str, str], bool]:
    """Of each metric and recipe whether it is in the queue."""
    with house.database.read() as session:
        rows = session.scalars(select(BuildLease)).all()
        return {(row.metric, row.recipe): row.is_wanted and row.state == LeaseState.RELEASED for row in rows}


@contextmanager
def held_build(build: Callable[[Callable[[int, int], None]], object]) -> Iterator[None]:
    """A build that has begun, and goes on when the block is left."""
    begun, go_on = Event(), Event()

    def hold(done: int, total: int) -> None:
        begun.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(build, hold)
        try:
            assert begun.wait(30)
            yield
        finally:
            go_on.set()
        building.result(30)


def test_a_whole_one_in_the_queue_is_built_though_one_that_misses_tiles_is_in_use(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    mask(house, "max")
    put_back(installation, "b")
    with desk_of(house, room=0) as front:
        order = front.order(alps(house).id, "max", alps(house).revision, Order(insists=True))
        until(lambda: wished(house).get(("max", RECIPE), False))
        assert not order.outcome.done()
        with desk_of(house):
            order.outcome.result(30)
    assert missing_of(house) == []
    assert not any(wished(house).values())


def test_what_is_in_use_already_does_not_lead_the_queue_for_ever(house: House) -> None:
    build_pyramid(house, "alps", "max", ignore)
    turn = take_turn(house, "alps", ["max"], OnMissing.FAIL, again=True, insists=False)
    leave_turn(house, turn, is_wanted=True)  # as one that was killed while it built anew
    want(house, wanted_build(alps(house), "min"))
    with desk_of(house):
        until(lambda: state_of(house, "min").state is State.READY)
    until(lambda: not any(wished(house).values()))


def test_a_level_does_not_withdraw_the_order_of_a_whole_one(house: House, installation: Installation) -> None:
    take_away(installation, "b")
    mask(house, "max")
    want(house, wanted_build(alps(house), "max"))
    with desk_of(house, room=0) as front:
        front.order(alps(house).id, "max", alps(house).revision, LEVEL).outcome.result(30)
    assert wished(house)["max", RECIPE]


def test_metrics_that_this_process_does_not_know_are_left_to_others(house: House) -> None:
    terrain = alps(house)
    want(house, replace(wanted_build(terrain, "max"), metric="roughness"))
    want(house, wanted_build(terrain, "max"))
    with desk_of(house):
        until(lambda: state_of(house, "max").state is State.READY)
    assert wished(house)["roughness", RECIPE]


def test_a_damaged_one_that_misses_tiles_is_built_anew_without_them(
    client: AppClient, house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    mask(house, "max")
    (damaged,) = (name for name in installation.stored_files() if "/0/elevation/c/" in name)
    (installation.store_folder / damaged).write_bytes(b"")
    problem_in(client.get(f"{STATE}/0"), 503, "pyramid-corrupt")
    found = client.get(f"{STATE}/0", headers=WAIT)
    assert (found.status_code, found.headers["ziggurat-missing-tiles"]) == (200, "1")
    assert ("max", RECIPE) not in wished(house), "nobody asked for a whole one"


def test_a_level_waits_for_the_build_that_goes_without_tiles_here(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    terrain = alps(house)
    with hold_catalogue(installation), desk_of(house) as desk:
        masked = desk.order(terrain.id, "max", terrain.revision, MASKED)
        assert desk.is_under_way(terrain.id, "max", terrain.revision, LEVEL)
        assert desk.order(terrain.id, "max", terrain.revision, LEVEL) is masked
        whole = desk.order(terrain.id, "max", terrain.revision, Order(insists=True))
        assert whole is not masked
        assert desk.order(terrain.id, "max", terrain.revision, WHOLE) is whole


def test_an_order_of_a_whole_one_does_not_join_that_of_a_level(
    house: House, installation: Installation
) -> None:
    terrain = alps(house)
    with hold_catalogue(installation), desk_of(house) as desk:
        level = desk.order(terrain.id, "max", terrain.revision, LEVEL)
        whole = desk.order(terrain.id, "max", terrain.revision, WHOLE)
        assert whole is not level
        insisting = desk.order(terrain.id, "max", terrain.revision, Order(insists=True))
        assert insisting is not whole
        assert desk.order(terrain.id, "max", terrain.revision, LEVEL) is insisting


def test_a_level_waits_for_the_build_that_goes_without_tiles_elsewhere(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    terrain = alps(house)
    located = LevelReader(house, OpenPyramids(house))

    def build(on_shard: Callable[[int, int], None]) -> None:
        mask(house, "max", on_shard=on_shard)

    with desk_of(house) as desk:
        with held_build(build):
            assert located.locate("alps", "max", WindowAsked(level=0)).is_being_built
            order = desk.order(terrain.id, "max", terrain.revision, LEVEL)
            until(lambda: order.wanted is not None)
        order.outcome.result(30)
    assert missing_of(house) == ["b.npy"]
    assert list(wished(house)) == [("max", RECIPES[OnMissing.MASK])], "no other build was begun"


def test_of_several_metrics_those_are_built_that_are_needed(house: House, installation: Installation) -> None:
    whole = build_pyramid(house, "alps", "max", ignore)
    take_away(installation, "b")

    def look(done: int, total: int) -> None:
        assert len(groups_of(installation, "max")) == 1, "it was not to be built"

    assert list(build_pyramids(house, "alps", ["max", "min"], look, on_missing=OnMissing.MASK)) == ["min"]
    assert (missing_of(house, "max"), missing_of(house, "min")) == ([], ["b.npy"])
    assert find_fresh(house, "alps", "max") == whole
    complete_builds(house, "alps", ["max", "count"], ignore, on_missing=OnMissing.MASK, again=False)
    assert missing_of(house, "count") == ["b.npy"]
    assert find_fresh(house, "alps", "max") == whole
    assert live_leases(house) == []


def test_of_several_metrics_one_that_is_whole_by_now_takes_nothing_from_the_others(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")

    def overtake(done: int, total: int) -> None:
        if total and find_fresh(house, "alps", "max") is None:
            put_back(installation, "b")
            build_pyramid(house, "alps", "max", ignore)

    built = build_pyramids(house, "alps", ["max", "min"], overtake, on_missing=OnMissing.MASK)
    assert list(built) == ["min"]
    assert (missing_of(house, "max"), missing_of(house, "min")) == ([], ["b.npy"])
    assert len(groups_of(installation, "max")) == 1, "what nobody needs is removed"
    assert live_leases(house) == []
    assert_cells(house, "max", native("abc"))
    assert_cells(house, "min", native("ac"))


def live_leases(house: House) -> list[LeaseView]:
    with house.database.read() as session:
        return list_live_leases(session)


def groups_of(installation: Installation, metric: str) -> set[str]:
    """Generations in the store."""
    names = (name.split("/") for name in installation.stored_files() if name.startswith(f"alps/{metric}/"))
    return {parts[2] for parts in names if parts[2].endswith(".zarr")}
