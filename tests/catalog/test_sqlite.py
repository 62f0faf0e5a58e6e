"""What only a catalogue in a file can do or suffer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.database import Database, open_database
from catalog.errors import CatalogUnavailable, SchemaOutdated
from catalog.models import Terrain
from catalog.repository.terrains import get_terrain, list_terrains


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/catalog.db")
    database.migrate()
    yield database
    database.dispose()


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


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 1), ("busy_timeout", 5000)],
)
def test_every_connection_is_prepared(database: Database, name: str, value: object) -> None:
    assert pragma(database, name) == value


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
    with pytest.raises(SchemaOutdated) as outdated, database.read() as session:
        list_terrains(session, limit=1)
    assert outdated.value.found is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = open_database(f"sqlite:///{tmp_path}/file/catalog.db")
    with pytest.raises(CatalogUnavailable, match="folder"):
        database.migrate()
