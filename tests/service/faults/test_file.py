"""A catalogue in a file: several writers, a lock that is held, a disk that is full."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from asking import ask, assert_heals
from full_disk import files_at_most
from installations import Installation, make_installation
from rest import AppClient, add_terrain, open_client

COUNTING_UP = """
import sys
from catalog.database import open_database
from catalog.repository.terrains import lock_terrain

database = open_database(sys.argv[1])
for _ in range(100):
    with database.write() as session:
        terrain = lock_terrain(session, "alps")
        terrain.title = str(int(terrain.title or 0) + 1)
"""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def start(installation: Installation) -> Iterator[Callable[..., AppClient]]:
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(open_client(installation, stale_page_s=0, **settings))


@pytest.fixture
def client(start: Callable[..., AppClient]) -> AppClient:
    client = start(deadline_s=1)
    add_terrain(client, "alps")
    return client


def is_whole(installation: Installation) -> bool:
    with closing(sqlite3.connect(installation.folder / "catalog.db")) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def test_row_17_four_processes_count_together(client: AppClient, installation: Installation) -> None:
    command = [sys.executable, "-c", COUNTING_UP, installation.database_url]
    writers = [subprocess.Popen(command) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert client.get("/terrain/alps").json()["title"] == "400"
    assert is_whole(installation)


def test_row_18_a_file_that_is_locked_is_read_and_not_written(
    client: AppClient, installation: Installation
) -> None:
    with closing(sqlite3.connect(installation.folder / "catalog.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        changed = ask(client, "/terrain/alps", "PATCH", json={"title": "lost"})
        assert changed.status == 503
        assert changed.seconds > 0.9
        assert ask(client, "/terrain/alps").answer.json()["title"] is None
        other.execute("ROLLBACK")
    assert_heals(client, "/terrain/alps", "PATCH", json={"title": "The Alps"})
    assert client.get("/terrain/alps").json()["title"] == "The Alps"
    assert is_whole(installation)


def test_row_18_a_full_disk_takes_no_changes_and_loses_nothing(
    client: AppClient, installation: Installation
) -> None:
    log = installation.folder / "catalog.db-wal"
    with files_at_most(log.stat().st_size + 1000):
        assert ask(client, "/terrain/alps", "PATCH", json={"description": "x" * 2000}).status == 503
        assert ask(client, "/terrain/alps").answer.json()["description"] is None
    assert_heals(client, "/terrain/alps", "PATCH", json={"title": "The Alps"})
    assert client.get("/terrain/alps").json()["title"] == "The Alps"
    assert is_whole(installation)
