from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import insert, make_url, update
from sqlalchemy.exc import IntegrityError, InternalError

from catalog.backends import Limits
from catalog.database import Database, open_database
from catalog.errors import CatalogUnavailable
from catalog.models import Terrain, Tile
from catalog.repository.terrains import (
    NewTerrain,
    create_terrain,
    find_terrain,
    get_terrain,
    list_terrains,
    lock_terrain,
)

HOUSE = Path(__file__).parents[2]

COUNT_UP = """
import sys
from catalog.database import open_database
from catalog.repository.terrains import lock_terrain
database = open_database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        terrain = lock_terrain(session, "alps")
        terrain.title = str(int(terrain.title or 0) + 1)
database.dispose()
"""

MIGRATE = """
import sys
from catalog.database import open_database
database = open_database(sys.argv[1])
database.migrate()
database.dispose()
"""


def start_process(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.Popen(command, cwd=HOUSE, stderr=subprocess.PIPE)


def finish_all(processes: list[subprocess.Popen[bytes]]) -> None:
    errors = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(errors)


def count_of(database: Database) -> int:
    with database.read() as session:
        return int(get_terrain(session, "alps").title or 0)


def test_the_url_is_told(database: Database, database_url: str) -> None:
    told, given = make_url(database.describe()), make_url(database_url)
    assert (told.database, told.query) == (given.database, given.query)


def test_a_write_session_keeps_all_of_it_at_its_end(database: Database) -> None:
    with database.write() as session:
        create_terrain(session, NewTerrain(name="alps"))
        create_terrain(session, NewTerrain(name="andes"))
    with database.read() as session:
        assert [terrain.name for terrain in list_terrains(session, limit=9).items] == ["alps", "andes"]


def test_a_write_session_that_fails_keeps_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        create_terrain(session, NewTerrain(name="alps"))
        session.flush()
        _ = 1 / 0
    with database.read() as session:
        assert find_terrain(session, "alps") is None


def test_what_a_read_session_changes_is_not_kept(database: Database, alps: Terrain) -> None:
    # PostgreSQL refuses it, SQLite forgets it
    with suppress(InternalError), database.read() as session:
        session.execute(update(Terrain).values(title="lost"))
    with database.read() as session:
        assert get_terrain(session, alps.id).title is None


def test_objects_stay_usable_after_the_session(database: Database) -> None:
    with database.write() as session:
        written = create_terrain(session, NewTerrain(name="alps", title="The Alps"))
    with database.read() as session:
        read = get_terrain(session, "alps")
    columns = Terrain.__table__.columns.keys()
    assert {c: getattr(written, c) for c in columns} == {c: getattr(read, c) for c in columns}


def test_readers_see_the_committed_state_while_a_write_is_open(database: Database, alps: Terrain) -> None:
    with database.write() as writing:
        get_terrain(writing, alps.id).title = "new"
        writing.flush()
        with database.read() as reading:
            assert get_terrain(reading, alps.id).title is None
    with database.read() as reading:
        assert get_terrain(reading, alps.id).title == "new"


def test_a_read_session_sees_one_state_from_first_to_last(database: Database, alps: Terrain) -> None:
    with database.read() as reading:
        assert get_terrain(reading, alps.id).title is None
        with database.write() as writing:
            get_terrain(writing, alps.id).title = "new"
        reading.expunge_all()
        assert get_terrain(reading, alps.id).title is None


def test_no_increment_of_threads_is_lost(database: Database, alps: Terrain) -> None:
    def count_up(_: int) -> None:
        with database.write() as session:
            terrain = lock_terrain(session, alps.id)
            terrain.title = str(int(terrain.title or 0) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(100)))
    assert count_of(database) == 100


def test_no_increment_of_processes_is_lost(database: Database, database_url: str, alps: Terrain) -> None:
    finish_all([start_process(COUNT_UP, database_url, "50") for _ in range(4)])
    assert count_of(database) == 200


def test_processes_may_race_to_create_the_catalogue(empty_catalogue_url: str) -> None:
    finish_all([start_process(MIGRATE, empty_catalogue_url) for _ in range(4)])
    database = open_database(empty_catalogue_url)
    database.check_revision()
    database.dispose()


@pytest.fixture
def impatient(database: Database, database_url: str) -> Iterator[Database]:
    """The same database, by someone who waits for nothing."""
    impatient = open_database(database_url, Limits(connections=2, connection_wait_s=0.05, lock_wait_s=0.05))
    yield impatient
    impatient.dispose()


def test_a_writer_that_waits_too_long_is_told(database: Database, impatient: Database, alps: Terrain) -> None:
    with database.write() as session:
        lock_terrain(session, alps.id).title = "first"
        session.flush()
        with pytest.raises(CatalogUnavailable, match="lock") as told, impatient.write() as late:
            lock_terrain(late, alps.id)
        assert told.value.is_retryable
        with impatient.read() as reading:
            assert get_terrain(reading, alps.id).title is None
    with impatient.write() as later:
        get_terrain(later, alps.id).title = "second"
    with database.read() as reading:
        assert get_terrain(reading, alps.id).title == "second"


def test_a_session_without_a_free_connection_is_told(impatient: Database, alps: Terrain) -> None:
    with ExitStack() as busy:
        for _ in range(2):
            get_terrain(busy.enter_context(impatient.read()), alps.id)
        with pytest.raises(CatalogUnavailable, match="busy"), impatient.read() as session:
            get_terrain(session, alps.id)
    with impatient.read() as session:
        get_terrain(session, alps.id)


def test_errors_leak_no_connection(impatient: Database, alps: Terrain) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), impatient.write() as session:
            get_terrain(session, alps.id)
            _ = 1 / 0
    with impatient.read() as session:
        get_terrain(session, alps.id)


def test_connections_suffice_for_as_many_threads(
    database_url: str, database: Database, alps: Terrain
) -> None:
    crowd = open_database(database_url, Limits(connections=4, connection_wait_s=30))
    together = Barrier(4)

    def read(_: int) -> str:
        with crowd.read() as session:
            found = get_terrain(session, alps.id)
            together.wait(timeout=30)
            return found.name

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == ["alps"] * 4
    crowd.dispose()


@pytest.mark.parametrize(
    "url",
    ["", "catalog.db", "nothing://host/catalog", "mysql+mysqldb://me:secret@host/catalog", "sqlite://",
     "sqlite:///:memory:", "postgresql://me:secret@host", "postgresql+asyncpg://me:secret@host/catalog",
     "postgresql://me:secret@host/catalog?nothing=1"],
)  # fmt: skip
def test_a_url_that_cannot_be_a_catalogue_is_refused(url: str) -> None:
    with pytest.raises(CatalogUnavailable, match="ZIGGURAT_DATABASE_URL") as refusal:
        open_database(url)
    assert "secret" not in str(refusal.value)


def test_a_broken_rule_stays_the_defect_it_is(database: Database, alps: Terrain) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(insert(Terrain).values(name="alps"))


def test_foreign_keys_are_enforced(database: Database) -> None:
    orphan = {"terrain_id": 99, "url": "a.tif", "x": 0, "y": 0, "width": 1, "height": 1, "dtype": "int16",
              "scale": 1.0, "offset": 0.0, "south_up": False, "priority": 0, "size": 2,
              "block_height": 1, "block_width": 1}  # fmt: skip
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(insert(Tile).values(orphan))
