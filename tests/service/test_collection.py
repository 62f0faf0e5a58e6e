"""What is taken out of the store, and what is not: in use, being built, within grace."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import uuid4

import numpy as np
import pytest

from catalog.models import Generation
from catalog.repository import pyramids, terrains
from catalog.repository.leases import release_lease, take_lease
from installations import Installation
from rest import hold_catalogue, open_client, row_count, until
from service.build_turns import wanted_build
from service.builds import build_pyramid
from service.collection import Collected, Why, collect
from service.creation import TerrainOrder, create_terrain
from service.errors import StoreUnavailable
from service.house import House
from service.registration import register_tiles
from service.tile_orders import TileOrder


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    """One terrain, built twice under max: the first generation is retired. Nothing has any grace."""
    np.save(installation.tiles / "a.npy", np.array([[1, 2], [3, 4]], dtype=np.int16))
    with installation.house(grace_s=0.0) as house:
        create_terrain(house, TerrainOrder(name="alps"))
        register_tiles(house, "alps", [TileOrder(url="a.npy", x=0, y=0)])
        yield house


def build(house: House, *, again: bool = False) -> str:
    built = build_pyramid(house, "alps", "max", lambda done, total: None, again=again)
    assert built is not None
    return built


def sweep(house: House, *, dry_run: bool = False) -> dict[str, Why]:
    found: list[Collected] = collect(house, lambda done, total: None, dry_run=dry_run)
    assert all(each.byte_count > 0 for each in found)
    return {each.generation: each.why for each in found}


def stored(installation: Installation) -> set[str]:
    """Ids of generations of which something is there."""
    names = {path.split("/")[2] for path in installation.stored_files()}
    return {name.partition(".")[0] for name in names} - {"latest"}


def test_a_retired_generation_goes_and_the_one_in_use_stays(house: House, installation: Installation) -> None:
    first = build(house)
    second = build(house, again=True)
    assert sweep(house, dry_run=True) == {first: Why.RETIRED}
    assert stored(installation) == {first, second}
    assert sweep(house) == {first: Why.RETIRED}
    assert stored(installation) == {second}
    assert sweep(house) == {}


def test_nobody_is_sent_to_a_generation_that_could_be_removed_by_half(
    house: House, installation: Installation
) -> None:
    first, second = build(house), build(house, again=True)
    manifest = installation.store_folder / "alps" / "max" / f"{first}.manifest.json"
    manifest.unlink()
    manifest.mkdir()  # stands for a store that fails
    with pytest.raises(StoreUnavailable):
        sweep(house)
    assert row_count(installation, Generation) == 1
    manifest.rmdir()
    assert sweep(house) == {first: Why.ORPHAN}
    assert stored(installation) == {second}


def test_what_another_process_removes_meanwhile_is_told_of_once(house: House) -> None:
    first, second, _ = build(house), build(house, again=True), build(house, again=True)
    others: list[dict[str, Why]] = []

    def sweep_meanwhile(done: int, total: int) -> None:
        assert total == 2
        others.append(sweep(house))

    found = collect(house, sweep_meanwhile, dry_run=False)
    assert [each.generation for each in found] == [first]
    assert others == [{second: Why.RETIRED}, {}]


def test_nothing_goes_within_the_time_of_grace(house: House, installation: Installation) -> None:
    both = {build(house), build(house, again=True)}
    with installation.house(grace_s=3600.0) as careful:
        assert sweep(careful) == {}
    assert stored(installation) == both


def test_what_somebody_builds_stays_and_what_a_killed_build_left_goes(
    house: House, installation: Installation
) -> None:
    used, attempt = build(house), "g20990101t000000000000-00000000"
    copy = installation.store_folder / "alps" / "max" / f"{attempt}.zarr"
    copy.mkdir()
    (copy / "zarr.json").write_text("{}")
    with house.database.write() as session:
        terrain = terrains.get_terrain(session, "alps")
        lease = take_lease(
            session,
            wanted_build(terrain, "min"),
            owner=uuid4().hex,
            host="here",
            generation_id=attempt,
            ttl_s=60.0,
        )
        assert lease is not None
    assert sweep(house) == {}
    with house.database.write() as session:
        assert release_lease(session, lease)
    assert sweep(house) == {attempt: Why.ORPHAN}
    assert stored(installation) == {used}


def test_pyramids_of_a_deleted_terrain_and_dropped_ones_go(house: House, installation: Installation) -> None:
    dropped = build(house)
    with house.database.write() as session:
        pyramids.drop_pyramid(session, terrains.get_terrain(session, "alps").id, "max")
    left = build(house)
    with house.database.write() as session:
        terrains.delete_terrain(session, terrains.get_terrain(session, "alps"))
    assert sweep(house) == {dropped: Why.ORPHAN, left: Why.ORPHAN}
    assert stored(installation) == set()


def test_the_command_tells_what_goes_and_how_much(installation: Installation, house: House) -> None:
    first = build(house)
    build(house, again=True)
    told = installation.run("gc", "--dry-run", "--json", GRACE_S="0").document
    assert [each["generation"] for each in told["generations"]] == [first]
    assert told["dry_run"] is True
    said = installation.run("gc", GRACE_S="0").stdout
    assert first in said
    assert "Removed 1 generations" in said
    assert json.loads(installation.run("gc", "--json", GRACE_S="0").stdout)["generations"] == []


def test_a_process_that_builds_sweeps_by_itself(house: House, installation: Installation) -> None:
    first, second = build(house), build(house, again=True)
    with open_client(installation, grace_s=0.0, sweep_every_s=0.2, builds_per_replica=0):
        time.sleep(1)
        assert stored(installation) == {first, second}
    with open_client(installation, grace_s=0.0, sweep_every_s=0.2):
        until(lambda: row_count(installation, Generation) == 1)
    assert stored(installation) == {second}


def test_a_sweep_that_fails_is_not_the_last_one(
    house: House, installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    build(house)
    second = build(house, again=True)
    with open_client(installation, grace_s=0.0, sweep_every_s=0.2):
        with hold_catalogue(installation):
            until(lambda: "not swept this time" in caplog.text)
        until(lambda: row_count(installation, Generation) == 1)
    assert stored(installation) == {second}
