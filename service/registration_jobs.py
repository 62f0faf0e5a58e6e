"""Registrations as jobs: queued once, worked on by one process at a time, ended with a reason. No web."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from catalog.errors import CatalogUnavailable
from catalog.models import Registration
from catalog.repository import registrations, staging
from catalog.repository.honoured import note_outcome, reserve_key
from catalog.repository.registrations import NewRegistration
from service.house import House
from service.repetition import RequestKey, tiles_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A job, and as whom this process works on it."""

    registration_id: str
    terrain_id: int
    owner: str
    attempts: int


def new_registration_id() -> str:
    """An id nobody guesses, as a file may be named."""
    return uuid4().hex


def is_registration_id(text: str) -> bool:
    """Whether it may be one; whatever is not, no database need be asked for."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def queue_registration(
    house: House, terrain_id: int, registration_id: str, byte_count: int, request_key: RequestKey | None
) -> Registration:
    """Queue a job for a table that is in the spool; the job of the first time if the request is a repetition.

    Raises
    ------
    TerrainNotFound, RequestKeyTaken
    """
    new = NewRegistration(id=registration_id, terrain_id=terrain_id, byte_count=byte_count)
    mark = None if request_key is None else request_key.mark(tiles_of(terrain_id))
    with house.database.write() as session:
        known = None if mark is None else reserve_key(session, mark)
        if known is not None and "registration" in known:
            return registrations.get_registration(session, terrain_id, known["registration"])
        job = registrations.add_registration(session, new)
        if mark is not None:
            note_outcome(session, mark, {"registration": registration_id})
        return job


def claim(house: House, registration_id: str) -> Claim | None:
    """Begin to work on a job that no other process works on; None when it has ended."""
    owner = uuid4().hex
    with house.database.write() as session:
        job = registrations.claim_registration(session, registration_id, owner)
        if job is None:
            return None
        return Claim(registration_id=job.id, terrain_id=job.terrain_id, owner=owner, attempts=job.attempts)


def fail(house: House, job: Claim, error: Exception) -> None:
    """Note why a job ends without any tile registered.

    Raises
    ------
    RegistrationLost
    """
    failure = {"error": type(error).__name__, "detail": str(error)}
    with house.database.write() as session:
        registrations.fail_registration(session, job.registration_id, job.owner, failure)
    with suppress(CatalogUnavailable):  # whoever tidies up comes by anyway
        drop_staged(house, job.registration_id)


def drop_staged(house: House, registration_id: str) -> None:
    """Drop what a job has staged, in steps that keep nobody waiting."""
    while True:
        with house.database.write() as session:
            if not staging.drop_staged_of(session, registration_id):
                return


def release(house: House, job: Claim) -> None:
    """Leave a job to whoever takes it next.

    Raises
    ------
    RegistrationLost
    """
    with house.database.write() as session:
        registrations.release_registration(session, job.registration_id, job.owner)
