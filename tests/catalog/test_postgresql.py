"""What only a server can do or suffer: on a real one, with real faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import insert, make_url, text, update
from sqlalchemy.exc import InternalError

from catalog import postgresql, schema
from catalog.backends import Access, Limits
from catalog.database import Database, open_database
from catalog.errors import CatalogUnavailable
from catalog.models import Terrain
from catalog.repository.terrains import NewTerrain, create_terrain, get_terrain, list_terrains, lock_terrain
from catalogues import PostgresServer

QUICK = Limits(connections=4, connection_wait_s=0.2, lock_wait_s=0.2, read_s=0.2, write_s=1.0)


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def quick(database: Database, database_url: str) -> Iterator[Database]:
    """The same database, by someone who waits for nothing long."""
    quick = open_database(database_url, QUICK)
    yield quick
    quick.dispose()


@pytest.fixture
def ask(postgres: PostgresServer, database_url: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Ask the database as its administrator, on a connection of one's own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield lambda query: connection.execute(query.encode()).fetchall()


@pytest.fixture
def kill_all(ask: Callable[[str], list[tuple[object, ...]]]) -> Callable[[], int]:
    """End all other connections to the database; their number."""

    def kill() -> int:
        return len(
            ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    return kill


def use_all_connections(database: Database, count: int) -> None:
    with ExitStack() as together:
        for _ in range(count):
            together.enter_context(database.read())


def show(database: Database, setting: str) -> str:
    with database.read() as session:
        return str(session.execute(text(f"SHOW {setting}")).scalar_one())


def sleep(database: Database, seconds: float) -> None:
    with database.read() as session:
        session.execute(text(f"SELECT pg_sleep({seconds})"))


# Connections


def test_connections_that_broke_while_idle_are_replaced_unnoticed(
    quick: Database, alps: Terrain, kill_all: Callable[[], int]
) -> None:
    for opened in (quick.read, quick.write):
        use_all_connections(quick, 4)
        assert kill_all() >= 4
        for _ in range(8):
            with opened() as session:
                assert get_terrain(session, "alps").id == alps.id


def test_a_connection_that_breaks_in_a_transaction_is_told_and_the_next_one_works(
    quick: Database, alps: Terrain, kill_all: Callable[[], int]
) -> None:
    for opened in (quick.read, quick.write):
        with pytest.raises(CatalogUnavailable) as told, opened() as session:
            get_terrain(session, "alps")
            kill_all()
            list_terrains(session, limit=1)
        assert told.value.is_retryable
        with opened() as session:
            assert get_terrain(session, "alps").id == alps.id


def test_a_commit_without_an_answer_is_in_doubt(
    quick: Database, alps: Terrain, kill_all: Callable[[], int]
) -> None:
    with pytest.raises(CatalogUnavailable, match="not known") as told, quick.write() as session:
        lock_terrain(session, "alps").title = "new"
        session.flush()
        kill_all()
    assert not told.value.is_retryable


@pytest.mark.parametrize(
    "away",
    [{"port": 1, "host": "127.0.0.1"}, {"query": {"host": "/nowhere"}}, {"database": "nothing"},
     {"username": "nobody"}],
)  # fmt: skip
def test_a_server_or_database_that_is_not_there_is_told(
    quick: Database, database_url: str, away: dict[str, object]
) -> None:
    url = make_url(database_url).set(**away)  # type: ignore[arg-type]
    database = open_database(url.render_as_string(hide_password=False))
    for use in (database.check_revision, database.migrate, database.prepare, lambda: sleep(database, 0)):
        with pytest.raises(CatalogUnavailable):
            use()
    database.dispose()


def test_a_server_without_free_connections_is_told(
    quick: Database, database_url: str, ask: Callable[[str], object], postgres: PostgresServer
) -> None:
    role = f"{postgres.template}_poor"
    postgres.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    poor = open_database(make_url(database_url).set(username=role).render_as_string(hide_password=False))
    try:
        with pytest.raises(CatalogUnavailable, match="too many connections"):
            poor.check_revision()
    finally:
        postgres.execute(f"DROP ROLE {role}")


def test_a_role_without_rights_is_told(
    database: Database, database_url: str, postgres: PostgresServer
) -> None:
    role = f"{postgres.template}_weak"
    postgres.execute(f"CREATE ROLE {role} LOGIN")
    weak = open_database(make_url(database_url).set(username=role).render_as_string(hide_password=False))
    try:
        with pytest.raises(CatalogUnavailable, match="permission denied") as told, weak.read():
            pass
        assert not told.value.is_retryable
    finally:
        weak.dispose()
        postgres.execute(f"DROP ROLE {role}")


def test_whoever_uses_the_server_is_known_and_may_be_named_by_the_url(
    database: Database, database_url: str
) -> None:
    assert show(database, "application_name").startswith("ziggurat@")
    url = make_url(database_url).update_query_dict({"application_name": "mine", "connect_timeout": "9"})
    named = open_database(url.render_as_string(hide_password=False))
    assert show(named, "application_name") == "mine"
    named.dispose()


def test_passwords_are_not_told() -> None:
    url = "postgresql://me:secret@host/catalog?sslpassword=secret&sslmode=require"
    told = open_database(url).describe()
    assert "secret" not in told
    assert "sslmode=require" in told


# Transactions


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("transaction_isolation", "repeatable read"),
        ("transaction_read_only", "on"),
        ("statement_timeout", "1500ms"),
        ("lock_timeout", "250ms"),
        ("idle_in_transaction_session_timeout", "7s"),
    ],
)
def test_a_transaction_is_limited_and_leaves_nothing_on_its_connection(
    database: Database, database_url: str, setting: str, value: str
) -> None:
    limits = Limits(connections=1, read_s=1.5, lock_wait_s=0.25, idle_s=7)
    limited = open_database(database_url, limits)
    assert show(limited, setting) == value
    with limited.write() as session:  # a rollback would have undone what is set for the session, too
        session.execute(text("SELECT 1"))
    with psycopg.connect(database_url, autocommit=True) as fresh:
        untouched = fresh.execute(f"SHOW {setting}".encode()).fetchone()
    used = limited._engine.raw_connection()
    cursor = used.cursor()
    cursor.execute(f"SHOW {setting}")
    assert cursor.fetchone() == untouched
    used.close()
    limited.dispose()


def test_no_statement_is_prepared_on_the_server(database: Database, alps: Terrain) -> None:
    with database.read() as session:
        for _ in range(20):
            get_terrain(session, "alps")
        assert session.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() == 0


def test_a_statement_that_takes_too_long_is_ended_and_not_worth_a_retry(
    quick: Database, ask: Callable[[str], list[tuple[object, ...]]]
) -> None:
    with pytest.raises(CatalogUnavailable, match="statement timeout") as told:
        sleep(quick, 30)
    assert not told.value.is_retryable
    running = "SELECT query FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(30)%'"
    assert [row for row in ask(running) if "pg_stat_activity" not in str(row)] == []


def test_a_transaction_that_is_left_open_is_ended(database: Database, database_url: str) -> None:
    slow = open_database(database_url, replace(QUICK, idle_s=0.05))
    with pytest.raises(CatalogUnavailable), slow.read() as session:
        time.sleep(0.3)
        list_terrains(session, limit=1)
    slow.dispose()


def test_of_a_deadlock_one_may_try_again(quick: Database, database_url: str) -> None:
    patient = open_database(database_url)
    with patient.write() as session:
        for name in ("alps", "andes"):
            create_terrain(session, NewTerrain(name=name))
    both_hold_one = Barrier(2)

    def lock(names: tuple[str, str]) -> bool | None:
        try:
            with patient.write() as session:
                lock_terrain(session, names[0])
                both_hold_one.wait(timeout=10)
                lock_terrain(session, names[1])
        except CatalogUnavailable as error:
            return error.is_retryable
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lock, [("alps", "andes"), ("andes", "alps")]))
    assert outcomes in ([None, True], [True, None])
    patient.dispose()


def test_terrains_do_not_wait_for_each_other(quick: Database) -> None:
    with quick.write() as session:
        for name in ("alps", "andes"):
            create_terrain(session, NewTerrain(name=name))
    with quick.write() as one, quick.write() as other:
        lock_terrain(one, "alps").title = "A"
        one.flush()
        lock_terrain(other, "andes").title = "B"
        other.flush()


def test_a_change_in_a_session_that_reads_is_a_defect(database: Database, alps: Terrain) -> None:
    with pytest.raises(InternalError, match="read-only"), database.read() as session:
        session.execute(update(Terrain).values(title="lost"))


def test_a_primary_that_becomes_read_only_still_serves_and_is_left_for_the_new_one(
    quick: Database, alps: Terrain, ask: Callable[[str], object], database_url: str, postgres: PostgresServer
) -> None:
    name = make_url(database_url).database

    def rename(title: str) -> None:
        with quick.write() as session:
            session.execute(update(Terrain).values(title=title))

    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    quick.dispose()
    with pytest.raises(CatalogUnavailable, match="read-only") as told:
        rename("lost")
    assert told.value.is_retryable
    with quick.read() as session:
        assert get_terrain(session, "alps").title is None
    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    with pytest.raises(CatalogUnavailable, match="read-only"):
        rename("lost")
    rename("kept")


def test_a_migration_waits_for_the_one_that_is_under_way(postgres: PostgresServer) -> None:
    with postgres.database(is_migrated=False) as url, ThreadPoolExecutor(1) as pool:
        first, second = open_database(url), open_database(url)
        with first._engines[Access.MIGRATE].begin() as connection:
            postgresql.lock_schema(connection)
            schema.upgrade(connection)
            waiting = pool.submit(second.migrate)
            time.sleep(0.3)
            assert not waiting.done()
        waiting.result()
        second.check_revision()
        first.dispose()
        second.dispose()


# Values


def test_names_are_ordered_by_code_point_whatever_the_servers_language(database: Database) -> None:
    query = "SELECT collation_name FROM information_schema.columns WHERE (table_name, column_name) = "
    with database.read() as session:
        assert session.execute(text(f"{query} ('terrain', 'name')")).scalar_one() == "C"


def test_what_the_server_cannot_hold_is_a_defect_and_not_its_trouble(database: Database) -> None:
    for wrong in ({"title": "NUL\x00"}, {"tile_size": 2**63}):
        with pytest.raises(Exception) as defect, database.write() as session:  # noqa: PT011 - its kind is the driver's
            session.execute(insert(Terrain).values(name="alps", **wrong))
        assert not isinstance(defect.value, CatalogUnavailable)
