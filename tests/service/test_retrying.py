"""Requests while connections are killed, locks are held and the server is away: on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import text

from catalog.errors import CatalogUnavailable, Cause
from catalog.repository.terrains import NewTerrain, create_terrain, get_terrain, lock_terrain, update_terrain
from catalogues import PostgresServer
from installations import Installation, make_installation
from rest import AppClient, open_client, problem_in
from service import retrying
from service.desk import Desk, open_desk
from service.house import House
from service.tally import RETRIES

T = TypeVar("T")


@pytest.fixture
def catalogue_url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def kill_all(catalogue_url: str) -> Iterator[Callable[[], int]]:
    """End all other connections to the database; their number."""
    query = (
        b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        b"WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(catalogue_url, autocommit=True) as connection:
        yield lambda: connection.execute(query).rowcount


@pytest.fixture
def house(installation: Installation) -> Iterator[House]:
    with installation.house() as house:
        with house.database.write() as session:
            for name in ("alps", "andes"):
                create_terrain(session, NewTerrain(name=name))
        yield house


@pytest.fixture
def client(house: House, installation: Installation) -> Iterator[AppClient]:
    """A service that has no answer of before to give."""
    with open_client(installation, stale_page_s=0) as client:
        yield client


def run(house: House, *functions: Callable[[], T]) -> list[T]:
    """Run functions at once, as routes do."""

    async def run_all(desk: Desk) -> list[T]:
        return await asyncio.gather(*(desk.run(function) for function in functions))

    async def serve() -> list[T]:
        desk = open_desk(house)
        try:
            return await run_all(desk)
        finally:
            desk.registrations.close()
            desk.builds.close()

    return asyncio.run(serve())


def titles_of(house: House) -> list[str | None]:
    with house.database.read() as session:
        return [get_terrain(session, name).title for name in ("alps", "andes")]


def test_a_hundred_requests_after_all_connections_were_killed_are_answered(
    client: AppClient, house: House, kill_all: Callable[[], int]
) -> None:
    def ask(_: int) -> int:
        return int(client.get("/terrain/alps").status_code)

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {200}
        assert kill_all() > 1
        assert Counter(pool.map(ask, range(100))) == {200: 100}


def test_requests_survive_connections_that_are_killed_all_the_time(
    client: AppClient, kill_all: Callable[[], int]
) -> None:
    killed: list[int] = []

    def ask(number: int) -> int:
        if number % 20 == 0:  # in the midst of the requests of the other clients
            killed.append(kill_all())
        if number % 10:
            return int(client.get("/terrain?limit=1").status_code)
        return int(client.patch("/terrain/alps", json={"title": str(number)}).status_code)

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(ask, range(600)))
    assert sum(killed) > 30
    assert answers.keys() <= {200, 503}
    assert answers[200] >= 590


def test_a_read_whose_connection_breaks_half_way_is_read_again(
    house: House, kill_all: Callable[[], int]
) -> None:
    calls = 0

    def read() -> list[str]:
        nonlocal calls
        calls += 1
        with house.database.read() as session:
            first = get_terrain(session, "alps").name
            if calls == 1:
                kill_all()
            return [first, get_terrain(session, "andes").name]

    assert run(house, read) == [["alps", "andes"]]
    assert calls == 2


def test_a_change_that_was_not_kept_is_made_again_once(house: House, kill_all: Callable[[], int]) -> None:
    calls = 0

    def change() -> int:
        nonlocal calls
        calls += 1
        with house.database.write() as session:
            terrain = lock_terrain(session, "alps")
            update_terrain(session, terrain, {"title": "The Alps"})
            if calls == 1:
                kill_all()
                session.execute(text("SELECT 1"))
            return terrain.revision

    assert run(house, change) == [1]
    assert (calls, titles_of(house)) == (2, ["The Alps", None])


def test_a_commit_in_doubt_is_not_made_again(house: House, kill_all: Callable[[], int]) -> None:
    calls = 0

    def change() -> None:
        nonlocal calls
        calls += 1
        with house.database.write() as session:
            lock_terrain(session, "alps").title = "The Alps"
            session.flush()
            kill_all()

    with pytest.raises(CatalogUnavailable, match="not known"):
        run(house, change)
    assert calls == 1


def test_both_sides_of_a_deadlock_get_through(house: House) -> None:
    both_hold_one = Barrier(2)
    calls: Counter[tuple[str, str]] = Counter()

    def change(names: tuple[str, str]) -> None:
        calls[names] += 1
        with house.database.write() as session:
            for name in names:
                terrain = lock_terrain(session, name)
                terrain.title = (terrain.title or "") + "x"
                session.flush()
                if calls[names] == 1 and name == names[0]:
                    both_hold_one.wait(timeout=10)

    # the loser is told after a second, the server's deadlock_timeout
    run(house, *(partial(change, names) for names in (("alps", "andes"), ("andes", "alps"))))
    assert titles_of(house) == ["xx", "xx"]
    assert sum(calls.values()) == 3


@pytest.mark.parametrize(
    ("cause", "takes_s", "attempts"),
    [(Cause.LOCK, 0.0, retrying.ATTEMPTS), (Cause.LOCK, 0.3, 1), (Cause.OTHER, 0.0, 1)],
)
def test_trouble_that_does_not_end_is_told_in_time(
    installation: Installation, cause: Cause, takes_s: float, attempts: int
) -> None:
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        time.sleep(takes_s)
        raise CatalogUnavailable("away", cause=cause)

    with installation.house(deadline_s=0.6 if takes_s else 5.0) as house:
        with pytest.raises(CatalogUnavailable, match="away"):
            run(house, fail)
        assert calls == attempts
        assert house.tally.of(RETRIES)[Cause.LOCK.value] == attempts - 1


def test_a_server_that_is_away_is_503_and_no_more_once_it_is_back(
    client: AppClient, house: House, catalogue_url: str, postgres: PostgresServer, kill_all: Callable[[], int]
) -> None:
    name = catalogue_url.partition("?")[0].rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    kill_all()
    answer = client.get("/terrain")
    problem_in(answer, 503, "catalog-unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert client.get("/health/live").status_code == 200
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert client.get("/terrain").status_code == 200


def test_a_pool_without_free_connections_is_503_at_once(house: House) -> None:
    calls = 0

    def read() -> None:
        nonlocal calls
        calls += 1
        with house.database.read():
            pass

    with ExitStack() as busy:
        for _ in range(house.database.pool().size):
            busy.enter_context(house.database.read())
        with pytest.raises(CatalogUnavailable, match="busy"):
            run(house, read)
    assert calls == 1


def test_sqlite_that_is_locked_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    with make_installation(tmp_path).house() as house:
        with house.database.write() as session:
            create_terrain(session, NewTerrain(name="alps"))

        def count_up() -> None:
            with house.database.write() as session:
                terrain = lock_terrain(session, "alps")
                terrain.title = str(int(terrain.title or 0) + 1)

        run(house, *[count_up] * 40)
        with house.database.read() as reading:
            assert get_terrain(reading, "alps").title == "40"
