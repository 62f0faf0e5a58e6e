"""The schema's revision: which one the catalogue has, which one this version needs, and how to get there."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from catalog.errors import SchemaOutdated


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    return config


def expected_revision() -> str:
    """The revision this version needs."""
    (head,) = ScriptDirectory.from_config(_config()).get_heads()
    return head


def current_revision(connection: Connection) -> str | None:
    """The revision the catalogue is at, None while it has no tables."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection) -> None:
    """Bring the schema up to the expected revision, within the caller's transaction.

    Raises
    ------
    SchemaOutdated
        The catalogue was made by a newer version.
    """
    config = _config()
    found = current_revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaOutdated(found, expected_revision())
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
