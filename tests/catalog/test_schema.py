from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from catalog import schema
from catalog.database import Database, open_database
from catalog.errors import SchemaOutdated
from catalog.models import Base, Terrain
from catalog.repository.terrains import get_terrain

BETWEEN_CLAUSES = r"\n|,\s+(?![^(]*\))"
"""Lines as a table is created, commas where a column was added."""

DEFINITIONS = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")


def definitions(connection: Connection) -> dict[str, set[str]]:
    """The clauses of each table and index; their order means nothing."""
    return {
        name: {clause.strip(" ,\t\n") for clause in re.split(BETWEEN_CLAUSES, sql)}
        for name, sql in connection.execute(DEFINITIONS)
    }


def set_revision(database: Database, revision: str) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_migrations_lead_to_the_models(database: Database) -> None:
    with database.read() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_define_every_table_as_the_models_do(database: Database, tmp_path: Path) -> None:
    modelled = create_engine(f"sqlite:///{tmp_path}/modelled.db")
    Base.metadata.create_all(modelled)
    with database.read() as session, modelled.connect() as connection:
        assert definitions(session.connection()) == definitions(connection)
    modelled.dispose()


def test_migrating_again_changes_nothing(database: Database, alps: Terrain) -> None:
    database.migrate()
    database.check_revision()
    with database.read() as session:
        assert get_terrain(session, "alps").id == alps.id


def test_the_schema_is_known_to_be_current(database: Database) -> None:
    database.check_revision()


def test_a_catalogue_without_tables_is_outdated(database_url: str) -> None:
    empty = open_database(database_url)
    with pytest.raises(SchemaOutdated) as outdated:
        empty.check_revision()
    assert (outdated.value.found, outdated.value.expected) == (None, schema.expected_revision())
    empty.dispose()


def test_a_catalogue_of_a_newer_version_is_left_alone(database: Database) -> None:
    set_revision(database, "9999")
    for use in (database.migrate, database.check_revision):
        with pytest.raises(SchemaOutdated) as outdated:
            use()
        assert outdated.value.found == "9999"
    with database.read() as session:
        assert schema.current_revision(session.connection()) == "9999"


def test_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    database = open_database(database_url)
    with database.write() as session:
        session.execute(text("CREATE TABLE pyramid (cells INTEGER)"))
    with pytest.raises(Exception, match="pyramid"):
        database.migrate()
    with database.read() as session:
        assert inspect(session.connection()).get_table_names() == ["pyramid"]
    database.dispose()
