"""Leases of builds: one holder at a time, and nothing counts that a former one does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import select

from catalog.database import Database
from catalog.errors import LeaseLost, TerrainNotFound
from catalog.models import Generation, Terrain
from catalog.repository.lease_views import LeaseView, find_lease, list_live_leases
from catalog.repository.leases import (
    LONGEST_PAUSE_S,
    PERMANENT_PAUSE_S,
    Beat,
    Lease,
    LeaseState,
    WantedBuild,
    beat,
    end_lapsed,
    fail_lease,
    finish_lease,
    forget_old_leases,
    pause_after,
    release_lease,
    request_cancel,
)
from catalog.repository.pyramids import (
    NewGeneration,
    drop_pyramid,
    find_pyramid,
    mark_corrupt,
    publish_generation,
)
from catalog.repository.terrains import delete_terrain, get_terrain, update_terrain
from passing import pass_by

Take = Callable[..., Lease | None]
MakeGeneration = Callable[..., NewGeneration]
FAILURE = {"error": "SourceNotFound", "detail": "a.tif: nothing lies there"}


def held(taken: Lease | None) -> Lease:
    assert taken is not None
    return taken


def beat_once(database: Database, lease: Lease, done: int = 0) -> Beat:
    with database.write() as session:
        return beat(session, lease, ttl_s=100.0, shards_done=done, shards_total=8)


def view_of(database: Database, wanted: WantedBuild) -> LeaseView:
    with database.read() as session:
        view = find_lease(session, wanted)
    assert view is not None
    return view


def live(database: Database, terrain_id: int | None = None) -> list[str]:
    with database.read() as session:
        return [view.owner for view in list_live_leases(session, terrain_id)]


def publish(database: Database, lease: Lease, new: NewGeneration) -> bool:
    with database.write() as session:
        return publish_generation(session, new, lease)


@pytest.fixture
def built(database: Database, take: Take, new_generation: MakeGeneration) -> Lease:
    """A lease whose build is published."""
    lease = held(take("one"))
    assert publish(database, lease, new_generation(lease.generation_id, 1))
    return lease


# Taking


def test_who_takes_a_lease_first_has_it(database: Database, wanted: WantedBuild, take: Take) -> None:
    with database.read() as session:
        assert find_lease(session, wanted) is None
    assert held(take("one")) == Lease(wanted=wanted, owner="one", fence=1, attempts=1, generation_id="g-one")
    assert take("other") is None
    view = view_of(database, wanted)
    assert (view.state, view.is_live, view.owner, view.host) == (LeaseState.BUILDING, True, "one", "here")
    assert (view.generation_id, view.shards_done, view.shards_total) == ("g-one", 0, 0)
    assert 0 <= view.silent_s <= view.age_s < 60
    assert (view.failure, view.retry_in_s, view.is_cancel_requested) == (None, None, False)


def test_every_part_of_what_is_wanted_has_a_lease_of_its_own(
    database: Database, wanted: WantedBuild, take: Take
) -> None:
    held(take("one"))
    others = {
        "metric": replace(wanted, metric="min"),
        "revision": replace(wanted, revision=2),
        "recipe": replace(wanted, recipe="r2"),
    }
    for name, other in others.items():
        held(take(name, build=other))
    assert set(live(database)) == {"one", "metric", "revision", "recipe"}


def test_a_terrain_that_is_gone_is_not_built(wanted: WantedBuild, take: Take) -> None:
    with pytest.raises(TerrainNotFound):
        take("one", build=replace(wanted, terrain_id=wanted.terrain_id + 1))


def test_a_lapsed_lease_is_taken_over_and_its_former_holder_counts_no_more(
    database: Database, wanted: WantedBuild, take: Take, new_generation: MakeGeneration
) -> None:
    former = held(take("one"))
    pass_by(database, 99.0)
    assert take("early") is None
    pass_by(database, 2.0)
    assert live(database) == []
    present = held(take("other"))
    assert (present.fence, present.attempts) == (2, 2)
    for lost in (former, replace(former, fence=2), replace(present, fence=1)):
        assert_lost(database, lost, new_generation)
    assert beat_once(database, present) is Beat.ALIVE
    assert view_of(database, wanted).owner == "other"


def assert_lost(database: Database, lost: Lease, new_generation: MakeGeneration) -> None:
    """Nothing that comes with the lease is taken."""
    assert beat_once(database, lost, done=7) is Beat.LOST
    with database.write() as session:
        assert not release_lease(session, lost)
        assert not fail_lease(session, lost, FAILURE, retry_in_s=0.0)
    with pytest.raises(LeaseLost) as told, database.write() as session:
        finish_lease(session, lost)
    assert (told.value.terrain_id, told.value.metric, told.value.revision) == (
        lost.wanted.terrain_id, lost.wanted.metric, lost.wanted.revision,
    )  # fmt: skip
    with pytest.raises(LeaseLost):
        publish(database, lost, new_generation(lost.generation_id, 1))
    with database.read() as session:
        assert session.scalars(select(Generation)).all() == []
        assert find_pyramid(session, lost.wanted.terrain_id, "max") is None


def test_a_lapsed_lease_that_nobody_needed_is_still_its_holders(
    database: Database, take: Take, new_generation: MakeGeneration
) -> None:
    lease = held(take("one"))
    pass_by(database, 200.0)
    assert beat_once(database, lease) is Beat.ALIVE
    assert take("other") is None
    pass_by(database, 200.0)
    assert publish(database, lease, new_generation(lease.generation_id, 1))


def test_a_lapsed_lease_that_was_ended_is_nobodys(
    database: Database, wanted: WantedBuild, take: Take, new_generation: MakeGeneration
) -> None:
    lease = held(take("one"))
    other = held(take("other", build=replace(wanted, metric="min"), ttl_s=1000.0))
    pass_by(database, 200.0)
    with database.write() as session:
        assert end_lapsed(session) == 1
    assert_lost(database, lease, new_generation)
    assert beat_once(database, other) is Beat.ALIVE
    assert held(take("next")).attempts == 2


# Beats, ends


def test_beats_keep_a_lease_and_tell_how_far_its_build_is(
    database: Database, wanted: WantedBuild, take: Take
) -> None:
    lease = held(take("one"))
    for done in range(1, 4):
        pass_by(database, 70.0)
        assert beat_once(database, lease, done) is Beat.ALIVE
        assert take("other") is None
    view = view_of(database, wanted)
    assert (view.shards_done, view.shards_total, view.fence) == (3, 8, 1)
    assert view.age_s > 200
    assert view.silent_s < 60


def test_a_lease_that_is_released_is_the_next_ones_at_once_and_the_attempt_does_not_count(
    database: Database, wanted: WantedBuild, take: Take
) -> None:
    lease = held(take("one"))
    with database.write() as session:
        assert release_lease(session, lease)
        assert not release_lease(session, lease)
    assert live(database) == []
    assert view_of(database, wanted).state is LeaseState.RELEASED
    present = held(take("other"))
    assert (present.fence, present.attempts) == (2, 1)


def test_a_failed_build_is_not_tried_again_before_its_time(
    database: Database, wanted: WantedBuild, take: Take
) -> None:
    lease = held(take("one"))
    with database.write() as session:
        assert fail_lease(session, lease, FAILURE, retry_in_s=50.0)
    pass_by(database, 20.0)
    assert take("early") is None
    view = view_of(database, wanted)
    assert (view.state, view.is_live, view.failure) == (LeaseState.FAILED, False, FAILURE)
    assert view.retry_in_s is not None
    assert 0 < view.retry_in_s <= 30.0
    pass_by(database, 31.0)
    assert view_of(database, wanted).retry_in_s == 0.0
    assert held(take("late")).attempts == 2
    assert view_of(database, wanted).failure is None


def test_pauses_grow_with_the_attempts_to_a_bound() -> None:
    pauses = [pause_after(attempts, is_transient=True) for attempts in range(1, 2000)]
    assert pauses[:4] == [5.0, 10.0, 20.0, 40.0]
    assert all(before == after or after <= 2 * before for before, after in pairwise(pauses))
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    assert {pause_after(attempts, is_transient=False) for attempts in range(1, 9)} == {PERMANENT_PAUSE_S}


def test_who_builds_hears_that_it_shall_stop(database: Database, wanted: WantedBuild, take: Take) -> None:
    lease = held(take("one"))
    other = held(take("other", build=replace(wanted, metric="min")))
    with database.write() as session:
        assert request_cancel(session, wanted.terrain_id, "max") == 1
        assert request_cancel(session, wanted.terrain_id, "sum") == 0
    assert view_of(database, wanted).is_cancel_requested
    assert beat_once(database, lease) is Beat.CANCEL_REQUESTED
    assert beat_once(database, other) is Beat.ALIVE
    with database.write() as session:
        release_lease(session, lease)
        assert request_cancel(session, wanted.terrain_id, "max") == 0
    assert beat_once(database, held(take("next"))) is Beat.ALIVE


def test_a_lease_goes_with_its_terrain(
    database: Database, alps: Terrain, take: Take, new_generation: MakeGeneration
) -> None:
    lease = held(take("one"))
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
    assert beat_once(database, lease) is Beat.LOST
    with pytest.raises(TerrainNotFound):
        publish(database, lease, new_generation(lease.generation_id, 1))


# Publishing


def test_publishing_ends_the_lease_and_nobody_builds_the_same_again(
    database: Database, wanted: WantedBuild, take: Take, built: Lease, new_generation: MakeGeneration
) -> None:
    view = view_of(database, wanted)
    assert (view.state, view.is_live, view.generation_id) == (LeaseState.READY, False, built.generation_id)
    assert beat_once(database, built) is Beat.LOST
    pass_by(database, 1000.0)
    assert take("other") is None
    with database.write() as session:
        assert end_lapsed(session) == 0


def test_who_does_not_know_whether_it_published_may_ask_again(
    database: Database, take: Take, built: Lease, new_generation: MakeGeneration
) -> None:
    assert publish(database, built, new_generation(built.generation_id, 1))
    again = held(take("again", instead_of=built.generation_id))
    assert publish(database, again, new_generation(again.generation_id, 1))
    assert not publish(database, built, new_generation(built.generation_id, 1))
    with database.read() as session:
        known = session.scalars(select(Generation).order_by(Generation.id)).all()
    assert [(each.id, each.retired_at is None) for each in known] == [("g-again", True), ("g-one", False)]


def test_a_lease_is_for_one_generation(
    database: Database, take: Take, new_generation: MakeGeneration
) -> None:
    lease = held(take("one"))
    with pytest.raises(ValueError, match="g-one"):
        publish(database, lease, new_generation("g-other", 1))


def test_a_build_that_was_overtaken_ends_its_lease_and_changes_nothing_else(
    database: Database, alps: Terrain, wanted: WantedBuild, take: Take, new_generation: MakeGeneration
) -> None:
    lease = held(take("one"))
    newer = held(take("newer", build=replace(wanted, revision=2)))
    assert publish(database, newer, new_generation(newer.generation_id, 2))
    assert not publish(database, lease, new_generation(lease.generation_id, 1))
    assert view_of(database, wanted).state is LeaseState.RELEASED
    with database.read() as session:
        pyramid = find_pyramid(session, alps.id, "max")
    assert pyramid is not None
    assert pyramid.generation_id == newer.generation_id


def corrupt(database: Database, lease: Lease) -> None:
    with database.write() as session:
        mark_corrupt(session, lease.wanted.terrain_id, "max", lease.generation_id)


def drop(database: Database, lease: Lease) -> None:
    with database.write() as session:
        drop_pyramid(session, lease.wanted.terrain_id, "max")


@pytest.mark.parametrize("lose", [corrupt, drop])
def test_what_is_damaged_or_dropped_may_be_built_again_by_one(
    database: Database,
    take: Take,
    built: Lease,
    new_generation: MakeGeneration,
    lose: Callable[[Database, Lease], None],
) -> None:
    lose(database, built)
    again = held(take("again"))
    assert (again.fence, again.attempts) == (2, 1)
    assert take("other") is None
    assert publish(database, again, new_generation(again.generation_id, 1))
    corrupt(database, built)
    assert take("late") is None, "it is not the damaged one that is in use now"


def test_what_another_recipe_replaced_may_be_built_again(
    database: Database, wanted: WantedBuild, take: Take, built: Lease, new_generation: MakeGeneration
) -> None:
    other = held(take("other", build=replace(wanted, recipe="r2")))
    assert publish(database, other, new_generation(other.generation_id, 1))
    assert take("late", build=replace(wanted, recipe="r2")) is None
    assert held(take("back")).wanted == wanted


def test_a_sound_generation_is_replaced_once_by_who_names_it(
    take: Take, built: Lease, database: Database, new_generation: MakeGeneration
) -> None:
    assert take("other", instead_of="g-none") is None
    again = held(take("again", instead_of=built.generation_id))
    assert take("other", instead_of=built.generation_id) is None
    assert publish(database, again, new_generation(again.generation_id, 1))
    assert take("late", instead_of=built.generation_id) is None


# All of them


def test_live_builds_are_listed_by_age(database: Database, wanted: WantedBuild, take: Take) -> None:
    for metric in ("a", "b", "c"):
        held(take(metric, build=replace(wanted, metric=metric)))
        pass_by(database, 10.0)
    assert live(database) == live(database, wanted.terrain_id) == ["a", "b", "c"]
    assert live(database, wanted.terrain_id + 1) == []
    pass_by(database, 75.0)
    assert live(database) == ["b", "c"]


def test_no_more_leases_live_than_may(database: Database, wanted: WantedBuild, take: Take) -> None:
    builds = [replace(wanted, metric=f"m{number}") for number in range(4)]
    first, second = (held(take(build.metric, build=build, most_live=2)) for build in builds[:2])
    assert take("third", build=builds[2], most_live=2) is None
    with database.read() as session:
        assert find_lease(session, builds[2]) is None
    with database.write() as session:
        release_lease(session, first)
    held(take("third", build=builds[2], most_live=2))
    pass_by(database, 200.0)
    held(take("fourth", build=builds[3], most_live=2))
    assert beat_once(database, second) is Beat.LOST, "its turn is another's now"
    assert live(database) == ["fourth"]
    held(take("unbound", build=builds[0]))
    held(take("too", build=builds[1]))
    assert take("third", build=builds[2], most_live=3) is None


def test_racing_processes_take_no_more_leases_than_may_live(
    database: Database, wanted: WantedBuild, take: Take
) -> None:
    builds = [replace(wanted, metric=f"m{number}") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda build: take(build.metric, build=build, most_live=3), builds))
    assert len([lease for lease in taken if lease is not None]) == 3
    assert len(live(database)) == 3


def test_leases_of_revisions_long_gone_are_forgotten(
    database: Database, alps: Terrain, wanted: WantedBuild, take: Take, built: Lease
) -> None:
    old = replace(wanted, metric="min", revision=0)
    held(take("building", build=old))
    for revision, forgotten in ((1, 0), (2, 1)):
        with database.write() as session:
            update_terrain(session, get_terrain(session, alps.id), {"title": f"Alps {revision}"})
            assert forget_old_leases(session) == forgotten
    with database.read() as session:
        assert find_lease(session, wanted) is None
    assert view_of(database, old).is_live
