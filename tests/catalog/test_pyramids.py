from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from catalog.database import Database
from catalog.errors import TerrainNotFound
from catalog.models import Generation, Pyramid, Terrain
from catalog.repository.pyramids import (
    NewGeneration,
    drop_pyramid,
    find_pyramid,
    list_pyramids,
    mark_corrupt,
    publish_generation,
    record_failure,
)
from catalog.repository.terrains import delete_terrain, get_terrain

MakeGeneration = Callable[..., NewGeneration]
FAILURE = {"error": "SourceNotFound", "detail": "a.tif: nothing lies there", "status": 422}


def publish(database: Database, new: NewGeneration) -> bool:
    with database.write() as session:
        return publish_generation(session, new)


def fail(database: Database, terrain: Terrain, revision: int) -> None:
    with database.write() as session:
        record_failure(session, terrain.id, "max", revision, {**FAILURE, "revision": revision})


def mark(database: Database, terrain: Terrain, generation_id: str) -> None:
    with database.write() as session:
        mark_corrupt(session, terrain.id, "max", generation_id)


def pyramid_of(database: Database, terrain: Terrain, metric: str = "max") -> Pyramid:
    with database.read() as session:
        found = find_pyramid(session, terrain.id, metric)
    assert found is not None
    return found


def current_of(database: Database, terrain: Terrain) -> str | None:
    generation = pyramid_of(database, terrain).generation
    return None if generation is None else generation.id


def live_and_retired(database: Database) -> tuple[set[str], set[str]]:
    with database.read() as session:
        known = session.scalars(select(Generation)).all()
    return (
        {generation.id for generation in known if generation.retired_at is None},
        {generation.id for generation in known if generation.retired_at is not None},
    )


def test_a_pyramid_never_built_is_not_there(database: Database, alps: Terrain) -> None:
    with database.read() as session:
        assert find_pyramid(session, alps.id, "max") is None
        assert list_pyramids(session, alps.id) == []


def test_a_published_generation_comes_back_as_it_was(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    new = new_generation("g1", 3, nodata=-0.5, width=10**12, crs="EPSG:4326", unit=None)
    assert publish(database, new)
    pyramid = pyramid_of(database, alps)
    assert pyramid.generation is not None
    found = {field.name: getattr(pyramid.generation, field.name) for field in fields(new)}
    assert found == {field.name: getattr(new, field.name) for field in fields(new)}
    assert (pyramid.corrupt, pyramid.failure, pyramid.generation.retired_at) == (False, None, None)


@pytest.mark.parametrize("revision", [3, 4])
def test_a_generation_as_new_or_newer_takes_over_and_retires_the_old_one(
    database: Database, alps: Terrain, new_generation: MakeGeneration, revision: int
) -> None:
    publish(database, new_generation("g1", 3))
    assert publish(database, new_generation("g2", revision))
    assert current_of(database, alps) == "g2"
    assert live_and_retired(database) == ({"g2"}, {"g1"})


def test_a_late_builder_cannot_put_back_an_older_revision(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g2", 3))
    mark(database, alps, "g2")
    assert not publish(database, new_generation("g1", 2))
    assert current_of(database, alps) == "g2"
    assert pyramid_of(database, alps).corrupt
    assert live_and_retired(database) == ({"g2"}, set())


def test_of_racing_builders_the_newest_revision_stays(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    revisions = random.Random(3).sample(range(40), 40)  # noqa: S311 - no secret
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda revision: publish(database, new_generation(f"g{revision}", revision)), revisions)
        )
    assert current_of(database, alps) == "g39"
    assert live_and_retired(database)[0] == {"g39"}


def test_metrics_have_their_own_pyramids(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    publish(database, new_generation("g2", 1, metric="mean"))
    assert live_and_retired(database) == ({"g1", "g2"}, set())
    with database.read() as session:
        assert [pyramid.metric for pyramid in list_pyramids(session, alps.id)] == ["max", "mean"]


def test_all_pyramids_take_one_statement(
    database: Database, alps: Terrain, new_generation: MakeGeneration, statements: list[str]
) -> None:
    for number in range(8):
        publish(database, new_generation(f"g{number}", 1, metric=f"m{number}"))
    statements.clear()
    with database.read() as session:
        pyramids = list_pyramids(session, alps.id)
    assert [pyramid.generation.id for pyramid in pyramids if pyramid.generation] == [
        f"g{n}" for n in range(8)
    ]
    assert len(statements) == 1


def test_a_terrain_deleted_meanwhile_gets_no_pyramid(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
    with pytest.raises(TerrainNotFound):
        publish(database, new_generation("g1", 1))
    fail(database, alps, 1)
    with database.read() as session:
        assert find_pyramid(session, alps.id, "max") is None


def test_pyramids_go_with_their_terrain(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    publish(database, new_generation("g2", 1))
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
    with database.read() as session:
        assert list_pyramids(session, alps.id) == []
    assert live_and_retired(database) == (set(), set())


def test_a_generation_in_use_cannot_be_forgotten(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(delete(Generation))


def test_a_failure_is_remembered(database: Database, alps: Terrain) -> None:
    fail(database, alps, 2)
    pyramid = pyramid_of(database, alps)
    assert (pyramid.failed_revision, pyramid.failure) == (2, {**FAILURE, "revision": 2})
    assert pyramid.generation is None
    assert pyramid.failed_at is not None


def test_a_later_failure_replaces_an_earlier_one_not_the_reverse(database: Database, alps: Terrain) -> None:
    for revision, remembered in ((2, 2), (1, 2), (2, 2), (3, 3)):
        fail(database, alps, revision)
        assert pyramid_of(database, alps).failed_revision == remembered


@pytest.mark.parametrize(("revision", "remembered"), [(2, None), (3, None), (4, 4)])
def test_a_failure_is_no_news_of_what_is_built(
    database: Database, alps: Terrain, new_generation: MakeGeneration, revision: int, remembered: int | None
) -> None:
    publish(database, new_generation("g1", 3))
    fail(database, alps, revision)
    assert pyramid_of(database, alps).failed_revision == remembered
    assert current_of(database, alps) == "g1"


def test_a_failure_to_replace_a_damaged_generation_is_remembered(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 3))
    mark(database, alps, "g1")
    fail(database, alps, 3)
    assert (pyramid_of(database, alps).failed_revision, pyramid_of(database, alps).corrupt) == (3, True)


def test_publishing_clears_failure_and_damage(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    mark(database, alps, "g1")
    fail(database, alps, 1)
    publish(database, new_generation("g2", 1))
    pyramid = pyramid_of(database, alps)
    assert (pyramid.corrupt, pyramid.failed_revision, pyramid.failure, pyramid.failed_at) == (
        False,
        None,
        None,
        None,
    )


def test_damage_is_remembered_of_the_generation_in_use_only(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    publish(database, new_generation("g2", 1))
    mark(database, alps, "g1")
    assert not pyramid_of(database, alps).corrupt
    mark(database, alps, "g2")
    assert pyramid_of(database, alps).corrupt


def test_a_dropped_pyramid_is_gone_and_its_generation_retired(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    publish(database, new_generation("g2", 1, metric="mean"))
    with database.write() as session:
        drop_pyramid(session, alps.id, "max")
        drop_pyramid(session, alps.id, "sum")
    with database.read() as session:
        assert [pyramid.metric for pyramid in list_pyramids(session, alps.id)] == ["mean"]
    assert live_and_retired(database) == ({"g2"}, {"g1"})


def test_a_dropped_pyramid_may_be_built_again(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 5))
    with database.write() as session:
        drop_pyramid(session, alps.id, "max")
    assert publish(database, new_generation("g2", 5))
    assert current_of(database, alps) == "g2"


def test_a_session_sees_what_it_published(
    database: Database, alps: Terrain, new_generation: MakeGeneration
) -> None:
    with database.write() as session:
        for number in (1, 2):
            publish_generation(session, new_generation(f"g{number}", number))
            pyramid = find_pyramid(session, alps.id, "max")
            assert pyramid is not None
            assert pyramid.generation is not None
            assert pyramid.generation.id == f"g{number}"
