"""What may be taken out of the store: nothing that is in use, being built, or was so a moment ago."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from catalog.clock import read_clock
from catalog.database import Database
from catalog.models import BuildLease, Generation, Orphan, Terrain
from catalog.repository.generations import (
    forget_generation,
    forget_orphan,
    list_orphans,
    list_retired,
    note_orphans,
)
from catalog.repository.leases import Lease, end_lapsed, release_lease
from catalog.repository.pyramids import NewGeneration, drop_pyramid, publish_generation
from catalog.repository.terrains import delete_terrain, get_terrain
from passing import pass_by

MakeGeneration = Callable[..., NewGeneration]
Take = Callable[..., Lease | None]

GRACE = timedelta(days=7)


def publish(database: Database, new: NewGeneration) -> None:
    with database.write() as session:
        assert publish_generation(session, new)


def retired(database: Database, grace: timedelta = GRACE) -> list[str]:
    with database.read() as session:
        return [generation.id for generation in list_retired(session, grace)]


def orphans(database: Database, grace: timedelta = GRACE) -> list[str]:
    with database.read() as session:
        return list_orphans(session, grace)


def sweep(database: Database, *stored: str) -> None:
    """As a sweep begins."""
    with database.write() as session:
        end_lapsed(session)
        note_orphans(session, stored)


def forget(database: Database, generation_id: str) -> bool:
    with database.write() as session:
        return forget_generation(session, generation_id)


@pytest.fixture
def three(database: Database, new_generation: MakeGeneration) -> None:
    """Two generations that are retired, and one in use."""
    for number in (1, 2, 3):
        publish(database, new_generation(f"g{number}", number))


def test_generations_are_retired_by_the_databases_clock(
    database: Database, new_generation: MakeGeneration
) -> None:
    publish(database, new_generation("g1", 1))
    with database.read() as session:
        before = read_clock(session)
    publish(database, new_generation("g2", 2))
    with database.read() as session:
        after = read_clock(session)
        gone = session.get_one(Generation, "g1").retired_at
    assert gone is not None
    assert before <= gone <= after


def test_a_generation_may_go_when_it_was_retired_for_the_grace(database: Database, three: None) -> None:
    assert retired(database) == []
    pass_by(database, GRACE.total_seconds() - 300.0)
    assert retired(database) == []
    pass_by(database, 360.0)
    assert retired(database) == ["g1", "g2"]


def test_a_dropped_pyramid_goes_like_any_other(database: Database, alps: Terrain, three: None) -> None:
    with database.write() as session:
        drop_pyramid(session, alps.id, "max")
    assert retired(database, timedelta(0)) == ["g1", "g2", "g3"]
    assert retired(database) == []


def test_what_is_in_use_is_never_forgotten(database: Database, three: None) -> None:
    for wrongly_retired in (False, True):
        if wrongly_retired:
            with database.write() as session:
                session.execute(update(Generation).values(retired_at=read_clock(session) - 2 * GRACE))
        assert "g3" not in retired(database)
        assert not forget(database, "g3")
        assert not forget(database, "g9")
    assert orphans(database, timedelta(0)) == []


def test_a_removal_that_stopped_halfway_is_carried_on(database: Database, three: None) -> None:
    pass_by(database, 2 * GRACE.total_seconds())
    assert forget(database, "g1")
    assert not forget(database, "g1")
    assert retired(database) == ["g2"]
    assert orphans(database) == ["g1"]
    with database.write() as session:
        forget_orphan(session, "g1")
    assert orphans(database) == []


def test_an_orphan_may_go_when_it_was_seen_for_the_grace(database: Database, three: None) -> None:
    for _ in range(2):
        sweep(database, "g1", "g2", "g3", "g-lost")
        assert orphans(database) == []
        pass_by(database, 0.6 * GRACE.total_seconds())
    assert orphans(database) == ["g-lost"], "when it is seen again, it is not new"


def test_what_is_being_built_is_no_orphan_until_its_lease_is_ended(database: Database, take: Take) -> None:
    lease = take("one")
    assert lease is not None
    sweep(database, "g-one")
    assert orphans(database, timedelta(0)) == []
    with database.write() as session:
        session.execute(update(BuildLease).values(lease_until=0.0))
        note_orphans(session, ["g-one"])
    assert orphans(database, timedelta(0)) == [], "its holder may still come back"
    sweep(database, "g-one")
    assert orphans(database, timedelta(0)) == ["g-one"]
    assert orphans(database) == []


def test_an_attempt_that_ended_is_an_orphan(database: Database, take: Take) -> None:
    lease = take("one")
    assert lease is not None
    with database.write() as session:
        release_lease(session, lease)
    sweep(database, "g-one")
    assert orphans(database, timedelta(0)) == ["g-one"]


def test_what_turns_out_to_be_known_is_no_orphan(
    database: Database, take: Take, new_generation: MakeGeneration
) -> None:
    sweep(database, "g-one", "g2", "g3")
    take("one")
    publish(database, new_generation("g2", 1))
    pass_by(database, 2 * GRACE.total_seconds())
    with database.write() as session:
        session.execute(update(BuildLease).values(lease_until=1e12))
    assert orphans(database) == ["g3"]
    sweep(database, "g-one", "g2", "g3")
    with database.read() as session:
        assert session.scalars(select(Orphan.generation_id)).all() == ["g3"]


def test_pyramids_of_a_deleted_terrain_are_kept_for_the_grace(
    database: Database, alps: Terrain, three: None
) -> None:
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
    assert retired(database, timedelta(0)) == []
    sweep(database, "g1", "g2", "g3")
    assert orphans(database) == []
    pass_by(database, 2 * GRACE.total_seconds())
    assert orphans(database) == ["g1", "g2", "g3"]


def test_an_empty_store_has_no_orphans(database: Database) -> None:
    sweep(database)
    assert orphans(database, timedelta(0)) == []
