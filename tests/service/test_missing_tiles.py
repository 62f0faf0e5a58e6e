"""Builds whose tiles cannot be had: they fail and tell which, or go on without these and say so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from catalog.models import MissingTile
from catalog.repository import pyramids, terrains
from foreign import npy, sources
from installations import Installation
from raster.errors import MOST_LISTED, SourceChanged, SourceNotFound, SourcesUnavailable
from raster.sources.declared import Declaration
from rest import AppClient, add_terrain, open_client, problem_in, until
from service.build_desk import BuildDesk
from service.build_turns import want, wanted_build
from service.builds import build_pyramid
from service.errors import BuildCancelled, BuildSuperseded
from service.house import House
from service.on_missing import OnMissing
from service.ordered_builds import Order
from service.pyramid_states import State
from service.registration import register_tiles
from service.tile_orders import TileOrder
from service.verification import Thoroughness, verify_pyramids
from three_tiles import (
    HEIGHT,
    PLACES,
    WIDTH,
    assert_cells,
    cells,
    ignore,
    mask,
    missing_of,
    native,
    put,
    put_back,
    state_of,
    take_away,
    three_tiles,
)
from web_server import WebServer, never, status, web_server

STATE = "/terrain/alps/pyramid/max"
MASK = f"{STATE}?on_missing=mask"
WAIT = {"Prefer": "wait=30"}
SOME = Thoroughness(windows=4, cell_budget=2**24, seed=1)


@pytest.fixture
def site() -> Iterator[WebServer]:
    with web_server() as site:
        yield site


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation, sources=sources(installation.folder)) as client:
        yield client


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with three_tiles(installation) as house:
        yield house


def group_of(installation: Installation, metric: str = "max") -> dict[str, object]:
    """What the Zarr group of the pyramid in use says of itself."""
    folder = installation.store_folder / "alps" / metric
    href = json.loads((folder / "latest.json").read_text())["href"]
    attributes = json.loads((folder / href / "zarr.json").read_text())["attributes"]
    found: dict[str, object] = attributes["ziggurat"]
    return found


def test_a_build_fails_with_the_list_of_what_cannot_be_had(
    client: AppClient, site: WebServer, installation: Installation
) -> None:
    urls = [site.put(f"{name}.npy", npy(cells(seed))) for seed, name in enumerate("abc")]
    add_row(client, *urls)
    site.fault("a.npy", status(403), ...)
    del site.files["/b.npy"]
    problem = problem_in(client.post(STATE, headers=WAIT), 502, "sources-unavailable")
    assert [each["source"] for each in problem["tiles"]] == urls[:2]
    assert client.get(STATE).json()["missing_tile_count"] is None


def test_a_build_fails_with_the_list_of_local_files_that_are_gone(
    house: House, installation: Installation
) -> None:
    take_away(installation, "a", "c")
    with pytest.raises(SourcesUnavailable) as unavailable:
        build_pyramid(house, "alps", "max", ignore)
    assert [tile["source"] for tile in unavailable.value.tiles] == ["a.npy", "c.npy"]


def add_row(client: AppClient, *urls: str) -> None:
    add_terrain(client, "alps", *({"url": url, "x": WIDTH * at, "y": 0} for at, url in enumerate(urls)))


def test_a_build_that_is_asked_to_goes_on_without_what_cannot_be_had(
    client: AppClient, site: WebServer, installation: Installation
) -> None:
    for seed, name in enumerate("abc"):
        put(installation, name, seed)
    urls = [site.put(f"{name}.npy", npy(cells(seed))) for seed, name in ((3, "d"), (4, "e"), (5, "f"))]
    add_row(client, "a.npy", "b.npy", "c.npy", *urls)
    take_away(installation, "b")
    site.fault("d.npy", status(403), ...)
    site.fault("e.npy", never, ...)
    answer = client.post(MASK, headers=WAIT)
    assert answer.status_code == 200, answer.text
    state = answer.json()
    assert (state["state"], state["missing_tile_count"]) == ("ready", 3)
    assert [(each["source"], each["col"], each["kind"]) for each in state["missing_tiles"]] == [
        ("b.npy", WIDTH, "SourceNotFound"),
        (urls[0], 3 * WIDTH, "SourceUnreachable"),
        (urls[1], 4 * WIDTH, "SourceTooSlow"),
    ]
    assert group_of(installation)["missing_tiles"] == {"count": 3, "tiles": state["missing_tiles"]}
    found = client.get(f"{STATE}/0")
    assert found.headers["ziggurat-missing-tiles"] == "3"
    assert (found.json()["state"], found.json()["missing_tile_count"]) == ("ready", 3)
    expected = np.full((HEIGHT, 6 * WIDTH), None, object)
    for seed in (0, 2, 5):
        expected[:, WIDTH * seed : WIDTH * (seed + 1)] = cells(seed)
    assert np.array_equal(np.array(found.json()["values"], object), expected)


def test_the_cells_of_every_level_are_those_of_a_terrain_with_a_gap(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    mask(house, "max", "count", "mean")
    for metric in ("max", "count", "mean"):
        assert missing_of(house, metric) == ["b.npy"]
        assert_cells(house, metric, native("ac"))


def test_what_cannot_be_had_under_other_tiles_shows_these(house: House, installation: Installation) -> None:
    np.save(installation.tiles / "above.npy", cells(9))
    register_tiles(house, "alps", [TileOrder(url="above.npy", x=0, y=0, priority=1)])
    take_away(installation, "above")
    mask(house, "max")
    assert missing_of(house) == ["above.npy"]
    assert_cells(house, "max", native("abc"))


def test_a_build_that_misses_nothing_is_as_any_other(house: House, installation: Installation) -> None:
    mask(house, "max")
    assert missing_of(house) == []
    assert "missing_tiles" not in group_of(installation)
    assert_cells(house, "max", native("abc"))


def test_a_source_that_changed_is_not_masked(house: House, installation: Installation) -> None:
    take_away(installation, "a")
    np.save(installation.tiles / "b.npy", np.zeros((HEIGHT, WIDTH + 1), np.int16))
    with pytest.raises(SourceChanged):
        mask(house, "max")
    assert state_of(house).state is State.FAILED


def test_a_source_that_is_not_allowed_any_more_is_not_masked(
    client: AppClient, site: WebServer, installation: Installation
) -> None:
    put(installation, "a", 0)
    add_row(client, "a.npy", site.put("b.npy", npy(cells(1))))
    with open_client(installation, sources=sources(installation.folder, networks=[])) as stricter:
        problem_in(stricter.post(MASK, headers=WAIT), 422, "source-forbidden")


def test_a_terrain_of_which_nothing_can_be_had_is_not_built(house: House, installation: Installation) -> None:
    take_away(installation, *PLACES)
    with pytest.raises(SourcesUnavailable) as unavailable:
        mask(house, "max")
    assert unavailable.value.tile_count == 3


def test_a_tile_that_goes_in_the_midst_of_a_build_fails_it(house: House, installation: Installation) -> None:
    take_away(installation, "b")

    def remove(done: int, total: int) -> None:
        assert not total, "no shard was finished"
        (installation.tiles / "c.npy").unlink(missing_ok=True)

    with pytest.raises(SourceNotFound, match=r"^c\.npy"):
        mask(house, "max", on_shard=remove)
    assert state_of(house).state is State.FAILED
    assert installation.stored_files() == []


def test_a_declared_tile_that_cannot_be_had_is_masked(house: House, installation: Installation) -> None:
    for seed, name in ((4, "d"), (5, "e")):
        put(installation, name, seed)
        said = Declaration(height=HEIGHT, width=WIDTH, dtype="int16")
        order = TileOrder(url=f"{name}.npy", x=WIDTH * seed, y=0, declared=said)
        register_tiles(house, "alps", [order])
    take_away(installation, "e")
    with pytest.raises(SourceNotFound):
        build_pyramid(house, "alps", "max", ignore)
    mask(house, "max")
    assert missing_of(house) == ["e.npy"]


def test_the_level_0_of_a_pyramid_that_misses_tiles_is_not_taken_over(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    mask(house, "max")
    put_back(installation, "b")
    build_pyramid(house, "alps", "min", ignore)
    assert_cells(house, "min", native("abc"))


def test_a_build_that_misses_tiles_takes_no_level_0_over(house: House, installation: Installation) -> None:
    build_pyramid(house, "alps", "max", ignore)
    take_away(installation, "b")
    mask(house, "min")
    assert missing_of(house, "min") == ["b.npy"]
    assert_cells(house, "min", native("ac"))


def stop(done: int, total: int) -> None:
    """After the first shard."""
    if total:
        raise BuildCancelled


def test_finished_shards_are_taken_over_only_where_the_same_tiles_are_missing(
    house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    with pytest.raises(BuildCancelled):
        mask(house, "max", on_shard=stop)
    put_back(installation, "b")
    build_pyramid(house, "alps", "max", ignore)
    assert_cells(house, "max", native("abc"))

    with pytest.raises(BuildCancelled):
        build_pyramid(house, "alps", "min", stop)
    take_away(installation, "b")
    mask(house, "min")
    assert_cells(house, "min", native("ac"))

    with pytest.raises(BuildCancelled):
        mask(house, "count", on_shard=stop)
    put_back(installation, "b")
    take_away(installation, "a")
    mask(house, "count")
    assert_cells(house, "count", native("bc"))


def test_verifying_knows_what_is_missing(house: House, installation: Installation) -> None:
    take_away(installation, "b")
    mask(house, "max", "count")
    for missing in (True, False):
        verdicts = verify_pyramids(house, "alps", [], SOME, ignore)
        assert [verdict.flaws for verdict in verdicts] == [[], []]
        assert all(sum(level.cell_count for level in verdict.coverage) for verdict in verdicts)
        if missing:
            put_back(installation, "b")


def test_one_that_misses_tiles_is_served_until_a_whole_one_is_ordered(
    client: AppClient, house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    masked = client.post(MASK, headers=WAIT).json()
    assert client.post(MASK, headers=WAIT).json() == masked, "it is up to date"
    assert client.get(f"{STATE}/0").headers["ziggurat-generation"] == masked["generation"]
    problem_in(client.post(STATE, headers=WAIT), 502, "source-not-found")
    state = client.get(STATE).json()
    assert (state["state"], state["generation"]) == ("ready", masked["generation"])
    assert state["failure"]["error"] == "SourceNotFound"
    assert client.get(f"{STATE}/0").status_code == 200
    put_back(installation, "b")
    whole = client.post(STATE, headers=WAIT).json()
    assert (whole["state"], whole["missing_tile_count"], whole["missing_tiles"]) == ("ready", 0, [])
    assert (masked["tile_count"], whole["tile_count"]) == (2, 3)
    assert (whole["failure"], whole["generation"] > masked["generation"]) == (None, True)
    assert_cells(house, "max", native("abc"))


def test_no_get_builds_without_what_is_missing(
    client: AppClient, house: House, installation: Installation
) -> None:
    take_away(installation, "b")
    problem_in(client.get(f"{STATE}/0"), 502, "source-not-found")
    problem_in(client.get(f"{STATE}/0?on_missing=mask"), 422)
    assert client.get(STATE).json()["state"] == "failed"


@pytest.mark.parametrize("value", ["ignore", "", "MASK"])
def test_what_is_neither_of_both_is_refused(client: AppClient, house: House, value: str) -> None:
    problem = problem_in(client.post(f"{STATE}?on_missing={value}"), 422)
    assert "'fail' or 'mask'" in json.dumps(problem)


def refuse_shards(done: int, total: int) -> None:
    assert not total, "a shard was made in vain"


def test_a_whole_pyramid_never_gives_way_to_one_that_misses_tiles(
    house: House, installation: Installation
) -> None:
    build_pyramid(house, "alps", "max", ignore)
    take_away(installation, "b")
    with pytest.raises(BuildSuperseded):
        build_pyramid(house, "alps", "max", refuse_shards, on_missing=OnMissing.MASK, again=True)
    assert missing_of(house) == []
    assert_cells(house, "max", native("abc"))


def test_a_damaged_whole_pyramid_does(house: House, installation: Installation) -> None:
    generation = build_pyramid(house, "alps", "max", ignore)
    take_away(installation, "b")
    with house.database.write() as session:
        pyramids.mark_corrupt(session, 1, "max", str(generation))
    mask(house, "max")
    assert missing_of(house) == ["b.npy"]


def test_an_order_in_the_queue_is_built_as_it_was_ordered(house: House, installation: Installation) -> None:
    take_away(installation, "b")
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, "alps")
    want(house, wanted_build(terrain, "max", OnMissing.MASK))
    desk = BuildDesk(house, looks_every_s=0.05)
    try:
        until(lambda: state_of(house).state is State.READY)
    finally:
        desk.close()
    assert missing_of(house) == ["b.npy"]


def test_who_waits_for_what_another_build_served_is_told(house: House, installation: Installation) -> None:
    with house.database.read() as session:
        terrain = terrains.get_terrain(session, "alps")
    serving = replace(house, settings=house.settings.model_copy(update={"builds_per_replica": 0}))
    desk = BuildDesk(serving, looks_every_s=0.05)
    try:
        order = desk.order(terrain.id, "max", terrain.revision, Order(on_missing=OnMissing.MASK))
        until(lambda: order.wanted is not None)
        build_pyramid(house, "alps", "max", ignore)
        order.outcome.result(30)
    finally:
        desk.close()


def test_the_list_is_bounded_the_number_is_not(house: House, installation: Installation) -> None:
    many = MOST_LISTED + 20
    for at in range(many):
        put(installation, f"m{at}", at)
    orders = [TileOrder(url=f"m{at}.npy", x=WIDTH * at, y=HEIGHT) for at in range(many)]
    register_tiles(house, "alps", orders)
    take_away(installation, *(f"m{at}" for at in range(many)))
    mask(house, "max")
    state = state_of(house)
    assert (len(state.missing), state.missing[-1].source) == (MOST_LISTED, f"m{MOST_LISTED - 1}.npy")
    told = group_of(installation)["missing_tiles"]
    assert isinstance(told, dict)
    assert (told["count"], len(told["tiles"])) == (many, MOST_LISTED)
    with house.database.read() as session:
        assert len(session.scalars(select(MissingTile)).all()) == many
    assert [verdict.flaws for verdict in verify_pyramids(house, "alps", [], SOME, ignore)] == [[]]


def test_the_command_line_masks_and_tells(house: House, installation: Installation) -> None:
    take_away(installation, "b")
    failed = installation.run("build", "alps")
    assert (failed.code != 0, "b.npy" in failed.complaint) == (True, True)
    said = installation.run("build", "alps", "--on-missing", "mask")
    assert (said.code, "max lacks 1 tiles" in said.stdout, "b.npy" in said.stdout) == (0, True, True)
    assert "b.npy (row 0, col 30)" in installation.run("info", "alps").stdout
    (state,) = installation.run("build", "alps", "--on-missing", "mask", "--json").document["pyramids"]
    assert (state["missing_tile_count"], state["missing_tiles"][0]["source"]) == (1, "b.npy")
    assert installation.run("verify", "alps").code == 0
    put_back(installation, "b")
    (whole,) = installation.run("build", "alps", "--json").document["pyramids"]
    assert whole["missing_tile_count"] == 0
    refused = installation.run("build", "alps", "--on-missing", "ignore")
    assert (refused.code, "fail" in refused.stderr, "mask" in refused.stderr) == (2, True, True)
