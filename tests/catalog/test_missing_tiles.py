from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from catalog.database import Database
from catalog.models import MissingTile, Terrain
from catalog.repository.leases import WantedBuild
from catalog.repository.missing_tiles import NewMissingTile, list_missing
from catalog.repository.pyramids import (
    NewGeneration,
    find_pyramid,
    mark_corrupt,
    publish_generation,
    record_failure,
)
from catalog.repository.terrains import delete_terrain, lock_terrain
from catalog.repository.wanted_builds import list_wanted, want_build

MakeGeneration = Callable[..., NewGeneration]


def tile(name: str) -> NewMissingTile:
    return NewMissingTile(
        source=name, row=1, col=2, height=3, width=4, kind="SourceNotFound", reason="nothing lies there"
    )


def publish(database: Database, new: NewGeneration, *missing: str) -> bool:
    with database.write() as session:
        return publish_generation(session, new, missing=[tile(name) for name in missing])


def current(database: Database, terrain: Terrain) -> str | None:
    with database.read() as session:
        found = find_pyramid(session, terrain.id, "max")
    return None if found is None else found.generation_id


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(func.count()).select_from(MissingTile)).one()


def test_what_is_missing_is_listed_by_precedence_and_generation(
    database: Database, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1, missing_tile_count=3), "b", "a", "c")
    publish(database, new_generation("g2", 1, metric="min", missing_tile_count=1), "a")
    with database.read() as session:
        found = list_missing(session, ["g1", "g2", "g3"], 2)
        everything = list_missing(session, ["g1"])
        assert list_missing(session, []) == {}
    assert {key: [each.source for each in tiles] for key, tiles in found.items()} == {
        "g1": ["b", "a"],
        "g2": ["a"],
        "g3": [],
    }
    assert [each.source for each in everything["g1"]] == ["b", "a", "c"]
    first = everything["g1"][0]
    assert (first.row, first.col, first.height, first.width, first.kind, first.reason) == (
        (1, 2, 3, 4, "SourceNotFound", "nothing lies there")
    )


@pytest.mark.parametrize(
    ("new_revision", "is_masked", "is_used"),
    [(1, True, False), (1, False, True), (2, True, True)],
    ids=["the same revision", "whole", "a newer revision"],
)
def test_what_misses_tiles_replaces_a_whole_generation_only_when_it_is_newer(
    database: Database,
    alps: Terrain,
    new_generation: MakeGeneration,
    new_revision: int,
    is_masked: bool,
    is_used: bool,
) -> None:
    assert publish(database, new_generation("g1", 1))
    missing = ["a"] if is_masked else []
    new = new_generation("g2", new_revision, missing_tile_count=len(missing))
    assert publish(database, new, *missing) is is_used
    assert current(database, alps) == ("g2" if is_used else "g1")
    assert count(database) == (1 if is_used and is_masked else 0)


def test_what_misses_tiles_replaces_what_misses_tiles_or_is_damaged(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    assert publish(database, new_generation("g1", 1, missing_tile_count=2), "a", "b")
    assert publish(database, new_generation("g2", 1, missing_tile_count=1), "a")
    assert publish(database, new_generation("g3", 1))
    with database.write() as session:
        mark_corrupt(session, alps.id, "max", "g3")
    assert publish(database, new_generation("g4", 1, missing_tile_count=1), "a")
    assert current(database, alps) == "g4"


def test_a_failure_to_replace_what_misses_tiles_is_remembered(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    new = new_generation("g1", 1, missing_tile_count=1)
    publish(database, new, "a")
    with database.write() as session:
        record_failure(session, alps.id, "max", new.revision, {"error": "SourceNotFound", "detail": ""})
    with database.read() as session:
        found = find_pyramid(session, alps.id, "max")
    assert found is not None
    assert (found.generation_id, found.failure is None) == ("g1", False)


def test_what_was_missing_goes_with_its_generation(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1, missing_tile_count=1), "a")
    assert count(database) == 1
    with database.write() as session:
        delete_terrain(session, lock_terrain(session, alps.id))
    assert count(database) == 0


def test_the_queue_gives_builds_of_the_recipes_and_metrics_that_are_known(
    database: Database, alps: Terrain
) -> None:
    with database.write() as session:
        for metric, recipe in (("max", "1"), ("max", "1-mask"), ("max", "2"), ("foreign", "1")):
            wanted = WantedBuild(terrain_id=alps.id, metric=metric, revision=alps.revision, recipe=recipe)
            want_build(session, wanted)
    with database.read() as session:
        found = list_wanted(session, ("1", "1-mask"), ("max", "mean"), 10)
    assert sorted((each.metric, each.recipe) for each in found) == [("max", "1"), ("max", "1-mask")]
