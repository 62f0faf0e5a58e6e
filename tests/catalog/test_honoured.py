"""Requests by their Idempotency-Key: honoured once, known for a day, and nobody else's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from catalog.clock import read_clock
from catalog.database import Database
from catalog.errors import RequestKeyTaken
from catalog.models import HonouredRequest, Terrain
from catalog.repository.honoured import KEPT_FOR, RequestMark, find_outcome, note_outcome, reserve_key

MARK = RequestMark(holder="zig_1", target="terrain", key="k", body_sha256="00")


def honour(database: Database, mark: RequestMark) -> dict[str, int] | None:
    """What was done before; else do it."""
    with database.write() as session:
        done = reserve_key(session, mark)
        if done is None:
            terrain = Terrain(name=f"t{read_clock(session).timestamp()}".replace(".", "-"))
            session.add(terrain)
            session.flush()
            note_outcome(session, mark, {"terrain": terrain.id})
        return done


def test_a_request_is_honoured_once(database: Database) -> None:
    assert honour(database, MARK) is None
    assert honour(database, MARK) == {"terrain": 1}
    with database.read() as session:
        assert find_outcome(session, MARK) == {"terrain": 1}


def test_requests_that_meet_are_honoured_once(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: honour(database, MARK), range(16)))
    assert outcomes.count(None) == 1
    assert outcomes.count({"terrain": 1}) == 15


@pytest.mark.parametrize("field", ["holder", "target", "key"])
def test_another_holder_target_or_key_is_another_request(database: Database, field: str) -> None:
    honour(database, MARK)
    assert honour(database, replace(MARK, **{field: "other", "body_sha256": "ff"})) is None


def test_another_body_is_refused(database: Database) -> None:
    honour(database, MARK)
    other = replace(MARK, body_sha256="ff")
    with pytest.raises(RequestKeyTaken):
        honour(database, other)
    with database.read() as session, pytest.raises(RequestKeyTaken):
        find_outcome(session, other)


def test_a_request_that_fails_is_not_known(database: Database) -> None:
    with pytest.raises(ValueError, match="refused"), database.write() as session:
        assert reserve_key(session, MARK) is None
        raise ValueError("refused")
    assert honour(database, MARK) is None


def test_a_key_is_forgotten_after_a_day(database: Database) -> None:
    honour(database, MARK)
    with database.write() as session:
        old = read_clock(session) - KEPT_FOR - timedelta(seconds=1)
        session.execute(update(HonouredRequest).values(created_at=old))
    with database.read() as session:
        assert find_outcome(session, MARK) is None
    assert honour(database, replace(MARK, body_sha256="ff")) is None
