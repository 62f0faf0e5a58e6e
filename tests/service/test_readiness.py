"""Readiness: the schema is looked at again and again; a catalogue that is away is no reason to leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from catalog import schema
from catalog.database import Database
from catalog.errors import CatalogError, CatalogUnavailable
from installations import Installation, make_installation
from service.errors import NotReady
from service.readiness import Readiness


def set_revision(installation: Installation, revision: str) -> None:
    # as another version would, which does not ask this one's schema
    engine = create_engine(installation.database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def is_ready(readiness: Readiness) -> bool:
    try:
        readiness.check()
    except CatalogError:
        return False
    return True


async def until(reached: Callable[[], bool]) -> None:
    for _ in range(2000):
        if reached():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


def test_a_replica_is_not_ready_before_it_has_started() -> None:
    readiness = Readiness()
    with pytest.raises(NotReady, match="it is starting"):
        readiness.check()
    readiness.start()
    readiness.check()
    readiness.drain()
    with pytest.raises(NotReady, match="it is shutting down"):
        readiness.check()


def test_a_replica_that_never_saw_the_schema_is_ready_when_it_has(tmp_path: Path) -> None:
    async def watch(readiness: Readiness, database: Database) -> None:
        watching = asyncio.create_task(readiness.watch_schema(database, every_s=0.01))
        await until(lambda: is_ready(readiness))
        watching.cancel()

    readiness = Readiness()
    readiness.start(CatalogUnavailable("away"))
    with pytest.raises(CatalogUnavailable):
        readiness.check()
    with make_installation(tmp_path).house() as house:
        asyncio.run(watch(readiness, house.database))


def test_another_schema_takes_the_replica_out_until_it_is_right_again(tmp_path: Path) -> None:
    async def watch(readiness: Readiness, database: Database) -> None:
        watching = asyncio.create_task(readiness.watch_schema(database, every_s=0.01))
        right = schema.expected_revision()
        set_revision(installation, "9999")
        await until(lambda: not is_ready(readiness))
        set_revision(installation, right)
        await until(lambda: is_ready(readiness))
        watching.cancel()

    readiness, installation = Readiness(), make_installation(tmp_path)
    readiness.start()
    with installation.house() as house:
        asyncio.run(watch(readiness, house.database))


def test_a_catalogue_that_is_away_changes_nothing_and_the_watch_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    installation = make_installation(tmp_path)
    catalogue = installation.folder / "catalog.db"

    async def watch(readiness: Readiness, database: Database) -> None:
        watching = asyncio.create_task(readiness.watch_schema(database, every_s=0.01))
        database.dispose()
        whole = catalogue.read_bytes()
        catalogue.write_bytes(b"no database")
        await until(lambda: "cannot be checked now" in caplog.text)
        readiness.check()
        catalogue.write_bytes(whole)
        database.dispose()
        set_revision(installation, "9999")
        await until(lambda: not is_ready(readiness))
        watching.cancel()

    readiness = Readiness()
    readiness.start()
    with installation.house() as house:
        asyncio.run(watch(readiness, house.database))
