from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from catalog import schema
from catalog.database import Database, open_database
from catalog.errors import SchemaOutdated
from catalog.model_base import Base
from catalog.models import Terrain
from catalog.repository.terrains import find_terrain, get_terrain

BETWEEN_CLAUSES = r"\n|,\s+(?![^(]*\))"
"""Lines as a table is created, commas where a column was added."""

DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'",
    "postgresql": """
        SELECT table_name || '.' || column_name,
            concat_ws(' ', data_type, character_maximum_length, collation_name, is_nullable, column_default)
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'alembic%'
        UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = CAST('public' AS regnamespace) AND conname NOT LIKE 'alembic%'
        UNION ALL SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND indexname NOT LIKE 'alembic%'
    """,
}


def definitions(connection: Connection) -> dict[str, set[str]]:
    """The clauses of each table and index; their order means nothing."""
    return {
        name: {clause.strip(" ,\t\n") for clause in re.split(BETWEEN_CLAUSES, sql)}
        for name, sql in connection.execute(text(DEFINITIONS[connection.dialect.name]))
    }


def set_revision(database: Database, revision: str) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_migrations_lead_to_the_models(database: Database) -> None:
    with database.read() as session:
        # of an expression the server has words of its own; the next test compares them
        opts = {"include_object": lambda _, name, *rest: name != "ix_terrain_place"}
        context = MigrationContext.configure(session.connection(), opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_define_every_table_as_the_models_do(database: Database, empty_catalogue_url: str) -> None:
    modelled = create_engine(empty_catalogue_url)
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


def test_a_catalogue_without_tables_is_outdated(empty_catalogue_url: str) -> None:
    empty = open_database(empty_catalogue_url)
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
    with pytest.raises(SchemaOutdated, match="9999"), database.read():
        pass


def test_a_session_says_which_schema_it_would_need_and_works_once_it_is_there(
    empty_catalogue_url: str,
) -> None:
    early = open_database(empty_catalogue_url)
    for opened in (early.read, early.write):
        with pytest.raises(SchemaOutdated) as outdated, opened():
            pass
        assert (outdated.value.found, outdated.value.expected) == (None, schema.expected_revision())
    other = open_database(empty_catalogue_url)
    other.migrate()
    other.dispose()
    with early.read() as session:
        assert find_terrain(session, "alps") is None
    early.dispose()


def test_a_schema_that_changes_under_a_replica_is_named_not_a_defect(
    database: Database, alps: Terrain
) -> None:
    with database.write() as session:
        session.execute(text("ALTER TABLE terrain RENAME COLUMN title TO headline"))
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for opened in (database.read, database.write):
        with pytest.raises(SchemaOutdated, match="9999"), opened() as session:
            get_terrain(session, "alps")


def test_a_wrong_statement_stays_the_defect_it_is(database: Database) -> None:
    for opened in (database.read, database.write):
        with pytest.raises(DBAPIError), opened() as session:
            session.execute(text("SELECT nothing FROM nowhere"))


def test_a_new_catalogue_is_made_in_passing(empty_catalogue_url: str) -> None:
    new = open_database(empty_catalogue_url)
    assert new.prepare()
    assert not new.prepare()
    new.check_revision()
    new.dispose()


LATER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "later", "{head}"


def upgrade():
    op.add_column("terrain", sa.Column("colour", sa.Text()))
"""


@pytest.fixture
def later(database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The same catalogue, by a version with one more migration."""
    steps = tmp_path / "steps"
    steps.mkdir()
    (steps / "later.py").write_text(LATER.format(head=schema.expected_revision()))
    of_this_version = schema._config()

    def config() -> Config:
        config = Config()
        config.set_main_option("script_location", str(of_this_version.get_main_option("script_location")))
        own = Path(schema.__file__).parent / "migrations" / "versions"
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{own}\n{steps}")
        return config

    monkeypatch.setattr(schema, "_config", config)
    return open_database(database_url)


def test_only_a_file_of_ones_own_is_brought_up_to_date_in_passing(
    later: Database, catalogue_kind: str, alps: Terrain
) -> None:
    if catalogue_kind == "postgresql":
        with pytest.raises(SchemaOutdated, match="ziggurat migrate"):
            later.prepare()
    else:
        assert not later.prepare()
        later.check_revision()
    later.migrate()
    with later.read() as session:
        assert session.execute(text("SELECT colour FROM terrain")).all() == [(None,)]
        assert get_terrain(session, "alps").id == alps.id
    later.dispose()


def test_a_migration_that_fails_leaves_nothing(empty_catalogue_url: str) -> None:
    database = open_database(empty_catalogue_url)
    occupied = create_engine(empty_catalogue_url)
    with occupied.begin() as connection:
        connection.execute(text("CREATE TABLE pyramid (cells INTEGER)"))
    with pytest.raises(Exception, match="pyramid"):
        database.migrate()
    assert inspect(occupied).get_table_names() == ["pyramid"]
    database.dispose()
    occupied.dispose()
