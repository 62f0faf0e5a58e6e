from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError

from catalog.database import Database, open_database
from catalog.errors import CatalogUnavailable
from catalog.models import Terrain, Tile
from catalog.repository.terrains import NewTerrain, create_terrain, find_terrain, get_terrain, list_terrains

HOUSE = Path(__file__).parents[2]

COUNT_UP = """
import sys
from catalog.database import open_database
from catalog.repository.terrains import get_terrain
database = open_database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as session:
        terrain = get_terrain(session, "alps")
        terrain.title = str(int(terrain.title or 0) + 1)
"""

MIGRATE = """
import sys
from catalog.database import open_database
open_database(sys.argv[1]).migrate()
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


def pragma(database: Database, name: str) -> object:
    with database.read() as session:
        return session.execute(text(f"PRAGMA {name}")).scalar_one()


def test_opening_touches_nothing(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/new/catalog.db")
    assert list(tmp_path.iterdir()) == []


def test_migrating_makes_the_folder(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/some/new/catalog.db")
    database.migrate()
    assert (tmp_path / "some/new/catalog.db").is_file()
    database.dispose()


def test_the_url_is_told(database: Database, database_url: str) -> None:
    assert database.describe() == database_url


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 1), ("busy_timeout", 5000)],
)
def test_every_connection_is_prepared(database: Database, name: str, value: object) -> None:
    assert pragma(database, name) == value


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
    with database.read() as session:
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
            terrain = get_terrain(session, alps.id)
            terrain.title = str(int(terrain.title or 0) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(100)))
    assert count_of(database) == 100


def test_no_increment_of_processes_is_lost(database: Database, database_url: str, alps: Terrain) -> None:
    finish_all([start_process(COUNT_UP, database_url, "50") for _ in range(4)])
    assert count_of(database) == 200


def test_processes_may_race_to_create_the_catalogue(database_url: str) -> None:
    finish_all([start_process(MIGRATE, database_url) for _ in range(4)])
    database = open_database(database_url)
    database.check_revision()
    database.dispose()


@pytest.fixture
def impatient(database: Database, database_url: str) -> Iterator[Database]:
    """The same database, by someone who waits for nothing."""
    impatient = open_database(database_url, connections=2, connection_wait_s=0.05, lock_wait_s=0.05)
    yield impatient
    impatient.dispose()


def test_a_writer_that_waits_too_long_is_told(database: Database, impatient: Database, alps: Terrain) -> None:
    with database.write() as session:
        get_terrain(session, alps.id).title = "first"
        session.flush()
        with pytest.raises(CatalogUnavailable, match="locked"), impatient.write() as late:
            get_terrain(late, alps.id)
        with impatient.read() as reading:
            assert get_terrain(reading, alps.id).title is None
    with impatient.write() as later:
        get_terrain(later, alps.id).title = "second"
    assert pragma(impatient, "integrity_check") == "ok"


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
    crowd = open_database(database_url, connections=4, connection_wait_s=30)
    together = Barrier(4)

    def read(_: int) -> str:
        with crowd.read() as session:
            found = get_terrain(session, alps.id)
            together.wait(timeout=30)
            return found.name

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == ["alps"] * 4
    crowd.dispose()


def test_a_full_disk_is_told_and_nothing_is_kept(database: Database, alps: Terrain) -> None:
    with pytest.raises(CatalogUnavailable, match="full"), database.write() as session:
        session.execute(text("PRAGMA max_page_count = 1"))
        get_terrain(session, alps.id).description = "x" * 2_000_000
    database.dispose()
    with database.read() as session:
        assert get_terrain(session, alps.id).description is None


def sessions(database: Database) -> list[AbstractContextManager[object]]:
    return [database.read(), database.write()]


def assert_unavailable(database: Database) -> None:
    for opened in sessions(database):
        with pytest.raises(CatalogUnavailable), opened as session:
            list_terrains(session, limit=1)  # type: ignore[arg-type]
    with pytest.raises(CatalogUnavailable):
        database.check_revision()
    database.dispose()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_text("<html>" * 1000)
    database = open_database(f"sqlite:///{tmp_path}/catalog.db")
    assert_unavailable(database)
    with pytest.raises(CatalogUnavailable, match="not a database"):
        database.migrate()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    assert_unavailable(open_database(f"sqlite:///{tmp_path}/gone/catalog.db"))


def test_a_catalogue_that_vanished_is_told(database: Database, tmp_path: Path) -> None:
    database.dispose()
    for file in tmp_path.glob("catalog.db*"):
        file.unlink()
    with pytest.raises(CatalogUnavailable), database.read() as session:
        list_terrains(session, limit=1)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = open_database(f"sqlite:///{tmp_path}/file/catalog.db")
    with pytest.raises(CatalogUnavailable, match="folder"):
        database.migrate()


@pytest.mark.parametrize(
    "url",
    ["", "catalog.db", "nothing://host/catalog", "mysql+mysqldb://me:secret@host/catalog", "sqlite://",
     "sqlite:///:memory:"],
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
