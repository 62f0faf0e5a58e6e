"""Services to ask: one with the golden terrain for all tests of a file that only look, and empty ones."""

from __future__ import annotations

from collections.abc import Iterator
from threading import current_thread

import pytest
from sqlalchemy import Engine, event

from installations import Installation
from rest import AppClient, add_golden, open_client

OWN_THREADS = ("build-watch", "sweeper", "registrations", "heartbeat")
"""In these the service looks into the catalogue now and then, whatever it is asked."""


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """SQL statements that answer requests, of any engine, but those that begin transactions."""
    seen: list[str] = []

    def note(*arguments: object) -> None:
        statement = str(arguments[2])
        is_own = current_thread().name in OWN_THREADS or "alembic_version" in statement
        if not is_own and not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def golden(shared_installation: Installation) -> Iterator[AppClient]:
    """A service with the terrain `golden`, id 1, and nothing else; tests leave it as it is."""
    with open_client(shared_installation) as client:
        add_golden(shared_installation, client)
        yield client


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    """A service without terrains."""
    with open_client(installation) as client:
        yield client
