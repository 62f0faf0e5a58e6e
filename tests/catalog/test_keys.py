from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.column_types import utc_now
from catalog.database import Database
from catalog.errors import KeyNotFound
from catalog.repository.keys import (
    USE_IS_NOTED_EVERY,
    NewKey,
    Scope,
    add_key,
    find_key,
    has_usable_key,
    is_use_due,
    list_keys,
    note_use,
    revoke_key,
)


def keep(database: Database, prefix: str, **fields: object) -> None:
    plain = {"secret_sha256": "00", "scope": Scope.BUILD, "label": "ci", "expires_at": None}
    with database.write() as session:
        add_key(session, NewKey(prefix=prefix, **{**plain, **fields}))  # type: ignore[arg-type]


def is_any_usable(database: Database) -> bool:
    with database.read() as session:
        return has_usable_key(session)


def test_each_scope_includes_those_below_it() -> None:
    assert [[own.includes(needed) for needed in Scope] for own in Scope] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_a_key_is_found_by_its_prefix_in_one_statement(database: Database, statements: list[str]) -> None:
    keep(database, "zig_a", label="cron")
    statements.clear()
    with database.read() as session:
        found = find_key(session, "zig_a")
        assert found is not None
        assert (found.scope, found.label, found.last_used_at) == (Scope.BUILD, "cron", None)
        assert len(statements) == 1
        assert find_key(session, "zig_b") is None


def test_keys_are_listed_from_the_oldest_on_with_what_became_of_them(database: Database) -> None:
    for prefix in ("zig_b", "zig_a", "zig_c"):
        keep(database, prefix)
    with database.write() as session:
        revoke_key(session, "zig_a")
    with database.read() as session:
        listed = list_keys(session)
    assert [key.prefix for key in listed] == ["zig_b", "zig_a", "zig_c"]
    assert [key.revoked_at is None for key in listed] == [True, False, True]


def test_revoked_and_expired_keys_are_of_no_use(database: Database) -> None:
    assert not is_any_usable(database)
    keep(database, "zig_old", expires_at=utc_now() - timedelta(seconds=1))
    assert not is_any_usable(database)
    keep(database, "zig_new", expires_at=utc_now() + timedelta(days=1))
    assert is_any_usable(database)
    with database.write() as session:
        revoke_key(session, "zig_new")
    assert not is_any_usable(database)


def test_a_revoked_key_keeps_its_time(database: Database) -> None:
    keep(database, "zig_a")
    with database.write() as session:
        first = revoke_key(session, "zig_a").revoked_at
    with database.write() as session:
        assert revoke_key(session, "zig_a").revoked_at == first


def test_a_key_that_is_not_there_cannot_be_revoked(database: Database) -> None:
    with database.write() as session, pytest.raises(KeyNotFound, match="no API key 'zig_a'"):
        revoke_key(session, "zig_a")


def test_use_is_noted_once_an_hour(database: Database) -> None:
    keep(database, "zig_a")
    with database.write() as session:
        key = find_key(session, "zig_a")
        assert key is not None
        assert is_use_due(key)
        note_use(session, "zig_a")
    with database.read() as session:
        key = find_key(session, "zig_a")
        assert key is not None
        assert not is_use_due(key)
        assert key.last_used_at is not None
        key.last_used_at -= USE_IS_NOTED_EVERY
        assert is_use_due(key)
