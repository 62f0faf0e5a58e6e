"""Registrations that run as jobs: queued, taken by one process at a time, and how far they are.

A process that works on one is its owner, and tells so now and then. Who takes it over becomes the
owner, and what the one before writes is no longer taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, delete, select, update
from sqlalchemy.exc import IntegrityError

from catalog.clock import read_clock
from catalog.database import ReadSession, WriteSession
from catalog.errors import RegistrationLost, RegistrationNotFound, TerrainNotFound
from catalog.models import Registration
from catalog.repository.rows import columns_of, count_changed

FORGOTTEN_AFTER = timedelta(minutes=5)
"""A job that no process has told of for so long is nobody's."""

KEPT_FOR = timedelta(days=7)
"""How long one can ask what became of a job that has ended."""


class RegistrationState(StrEnum):
    """How a registration stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN = (RegistrationState.QUEUED, RegistrationState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """A job to queue; the fields are those of `models.Registration`."""

    id: str
    terrain_id: int
    byte_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationProgress:
    """How far a job is; the fields are those of `models.Registration`. `problems` are the first ones."""

    bytes_read: int
    rows_read: int
    problem_count: int
    problems: list[dict[str, Any]]


def add_registration(session: WriteSession, new: NewRegistration) -> Registration:
    """Queue a job.

    Raises
    ------
    TerrainNotFound
    """
    now = read_clock(session)
    job = Registration(**columns_of(new), state=RegistrationState.QUEUED, created_at=now, beat_at=now)
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError as error:
        raise TerrainNotFound(new.terrain_id) from error
    return job


def get_registration(session: ReadSession, terrain_id: int, registration_id: str) -> Registration:
    """A job of a terrain.

    Raises
    ------
    RegistrationNotFound
    """
    job = session.get(Registration, registration_id)
    if job is None or job.terrain_id != terrain_id:
        raise RegistrationNotFound(registration_id)
    return job


def list_open(session: ReadSession) -> Sequence[str]:
    """Ids of the jobs that have not ended, the oldest first."""
    order = (Registration.created_at, Registration.id)
    return session.scalars(select(Registration.id).where(Registration.state.in_(OPEN)).order_by(*order)).all()


def claim_registration(session: WriteSession, registration_id: str, owner: str) -> Registration | None:
    """Become the owner of a job that has not ended; None when it has, or is gone.

    Whoever asks has made sure that no other process works on it.
    """
    beginning = {
        "state": RegistrationState.RUNNING,
        "owner": owner,
        "attempts": Registration.attempts + 1,
        "beat_at": read_clock(session),
        "bytes_read": 0,
        "rows_read": 0,
        "problem_count": 0,
        "problems": [],
    }
    claiming = update(Registration).where(Registration.id == registration_id, Registration.state.in_(OPEN))
    return session.scalars(claiming.values(beginning).returning(Registration)).one_or_none()


def note_progress(
    session: WriteSession, registration_id: str, owner: str, progress: RegistrationProgress
) -> None:
    """Tell how far a job is, and that its owner is there.

    Raises
    ------
    RegistrationLost
    """
    _change(session, registration_id, owner, {**columns_of(progress), "beat_at": read_clock(session)})


def hold_registration(session: WriteSession, registration_id: str, owner: str) -> None:
    """Keep others from taking a job over until the session ends.

    Raises
    ------
    RegistrationLost
    """
    _change(session, registration_id, owner, {"beat_at": read_clock(session)})


def release_registration(session: WriteSession, registration_id: str, owner: str) -> None:
    """Leave a job to whoever takes it next; this attempt does not count.

    Raises
    ------
    RegistrationLost
    """
    leaving = {"state": RegistrationState.QUEUED, "owner": None, "attempts": Registration.attempts - 1}
    _change(session, registration_id, owner, leaving)


def finish_registration(
    session: WriteSession, registration_id: str, owner: str, *, rows: int, revision: int, origin_moved: bool
) -> None:
    """Note that every row is registered, in the session that does it.

    Raises
    ------
    RegistrationLost
    """
    ending = {"rows_registered": rows, "revision": revision, "origin_moved": origin_moved}
    _end(session, registration_id, owner, RegistrationState.DONE, ending)


def fail_registration(
    session: WriteSession, registration_id: str, owner: str, failure: dict[str, Any]
) -> None:
    """Note why nothing was registered.

    Raises
    ------
    RegistrationLost
    """
    _end(session, registration_id, owner, RegistrationState.FAILED, {"failure": failure})


def keep_waiting(session: WriteSession, ids: Sequence[str]) -> None:
    """Tell that a process has these queued jobs, and will come to them."""
    waiting = update(Registration).where(
        Registration.id.in_(ids), Registration.state == RegistrationState.QUEUED
    )
    session.execute(waiting.values(beat_at=read_clock(session)))


def fail_forgotten(session: WriteSession, failure: dict[str, Any]) -> int:
    """Fail the jobs that no process has any more; their number."""
    now = read_clock(session)
    forgotten = update(Registration).where(
        Registration.state.in_(OPEN), Registration.beat_at < now - FORGOTTEN_AFTER
    )
    ending = {"state": RegistrationState.FAILED, "owner": None, "finished_at": now, "failure": failure}
    return count_changed(session.execute(forgotten.values(ending)))


def drop_old(session: WriteSession) -> None:
    """Forget jobs that ended long ago."""
    session.execute(delete(Registration).where(Registration.finished_at < read_clock(session) - KEPT_FOR))


def _end(
    session: WriteSession, registration_id: str, owner: str, state: RegistrationState, ending: dict[str, Any]
) -> None:
    _change(
        session,
        registration_id,
        owner,
        {**ending, "state": state, "owner": None, "finished_at": read_clock(session)},
    )


def _change(session: WriteSession, registration_id: str, owner: str, columns: dict[str, Any]) -> None:
    """Change a job that is still its owner's.

    Raises
    ------
    RegistrationLost
        Another process took it over, or its terrain is gone.
    """
    own = and_(Registration.id == registration_id, Registration.owner == owner)
    if count_changed(session.execute(update(Registration).where(own).values(columns))) != 1:
        raise RegistrationLost(registration_id)
