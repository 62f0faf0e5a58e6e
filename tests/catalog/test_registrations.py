"""Registrations as jobs: one owner at a time, and none that runs for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from catalog.clock import read_clock
from catalog.database import Database, WriteSession
from catalog.errors import RegistrationLost, RegistrationNotFound
from catalog.models import Registration, Terrain
from catalog.repository import registrations
from catalog.repository.registrations import FORGOTTEN_AFTER, KEPT_FOR, NewRegistration, RegistrationProgress
from catalog.repository.terrains import delete_terrain, get_terrain

PROGRESS = RegistrationProgress(bytes_read=5, rows_read=1, problem_count=0, problems=[])
FAILURE = {"error": "RegistrationAbandoned", "detail": "it was left"}


@pytest.fixture
def job(database: Database, alps: Terrain) -> str:
    with database.write() as session:
        new = NewRegistration(id="job", terrain_id=alps.id, byte_count=10)
        return registrations.add_registration(session, new).id


@pytest.fixture
def find(database: Database, alps: Terrain, job: str) -> Callable[[], Registration]:
    def find() -> Registration:
        with database.read() as session:
            return registrations.get_registration(session, alps.id, job)

    return find


def pass_by(database: Database, column: str, time: timedelta) -> None:
    """Let time pass for all jobs."""
    with database.write() as session:
        earlier = read_clock(session) - time - timedelta(seconds=1)
        session.execute(update(Registration).values({column: earlier}))


def claim(database: Database, job: str, owner: str) -> Registration | None:
    with database.write() as session:
        return registrations.claim_registration(session, job, owner)


def test_who_claims_a_job_anew_is_its_owner_and_the_former_one_changes_nothing(
    database: Database, job: str, find: Callable[[], Registration]
) -> None:
    assert find().state == "queued"
    for attempt, owner in enumerate(("one", "other"), start=1):
        claimed = claim(database, job, owner)
        assert claimed is not None
        assert (claimed.state, claimed.attempts, claimed.rows_read) == ("running", attempt, 0)
        with database.write() as session:
            registrations.note_progress(session, job, owner, PROGRESS)
    changes: list[Callable[[WriteSession], None]] = [
        lambda session: registrations.note_progress(session, job, "one", PROGRESS),
        lambda session: registrations.hold_registration(session, job, "one"),
        lambda session: registrations.fail_registration(session, job, "one", FAILURE),
        lambda session: registrations.finish_registration(
            session, job, "one", rows=1, revision=1, origin_moved=False
        ),
        lambda session: registrations.release_registration(session, job, "one"),
    ]
    for change in changes:
        with pytest.raises(RegistrationLost), database.write() as session:
            change(session)
    assert (find().state, find().owner, find().rows_read) == ("running", "other", 1)


def test_a_job_that_ended_is_nobodys(database: Database, job: str, find: Callable[[], Registration]) -> None:
    assert claim(database, job, "one") is not None
    with database.write() as session:
        registrations.finish_registration(session, job, "one", rows=3, revision=4, origin_moved=True)
    ended = find()
    assert (ended.state, ended.rows_registered, ended.revision, ended.origin_moved) == ("done", 3, 4, True)
    assert ended.finished_at is not None
    assert claim(database, job, "other") is None
    with database.write() as session:
        assert registrations.list_open(session) == []
        assert registrations.fail_forgotten(session, FAILURE) == 0


def test_a_job_that_is_released_is_queued_and_the_attempt_does_not_count(
    database: Database, job: str, find: Callable[[], Registration]
) -> None:
    claim(database, job, "one")
    with database.write() as session:
        registrations.release_registration(session, job, "one")
    assert (find().state, find().attempts, find().owner) == ("queued", 0, None)


@pytest.mark.parametrize("is_running", [False, True])
def test_a_job_that_nobody_tells_of_fails_in_the_end(
    database: Database, job: str, find: Callable[[], Registration], is_running: bool
) -> None:
    if is_running:
        claim(database, job, "one")
    with database.write() as session:
        assert registrations.fail_forgotten(session, FAILURE) == 0
    pass_by(database, "beat_at", FORGOTTEN_AFTER)
    with database.write() as session:
        assert registrations.fail_forgotten(session, FAILURE) == 1
    assert (find().state, find().failure) == ("failed", FAILURE)


def test_a_job_that_somebody_tells_of_waits(
    database: Database, job: str, find: Callable[[], Registration]
) -> None:
    pass_by(database, "beat_at", FORGOTTEN_AFTER)
    with database.write() as session:
        registrations.keep_waiting(session, [job])
        assert registrations.fail_forgotten(session, FAILURE) == 0
    assert find().state == "queued"


def test_jobs_that_ended_are_kept_for_a_week(
    database: Database, job: str, find: Callable[[], Registration]
) -> None:
    claim(database, job, "one")
    with database.write() as session:
        registrations.fail_registration(session, job, "one", FAILURE)
        registrations.drop_old(session)
    assert find().state == "failed"
    pass_by(database, "finished_at", KEPT_FOR)
    with database.write() as session:
        registrations.drop_old(session)
    with pytest.raises(RegistrationNotFound):
        find()


def test_a_job_goes_with_its_terrain(database: Database, alps: Terrain, job: str) -> None:
    claim(database, job, "one")
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
    with pytest.raises(RegistrationLost), database.write() as session:
        registrations.note_progress(session, job, "one", PROGRESS)
