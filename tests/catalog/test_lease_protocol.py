"""The protocol of builds holds in whatever order its steps come, and the search finds what would break it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import event, false, update

from catalog.database import Database, WriteSession, open_database
from catalog.models import BuildLease
from catalog.repository import generations, leases, pyramids
from catalog.repository.leases import Lease, LeaseState
from lease_protocol import LeaseProtocol

EXAMPLES = int(os.environ.get("ZIGGURAT_TEST_PROTOCOLS", "40"))

SEARCH = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)

HUNT = settings(SEARCH, max_examples=300, derandomize=True, phases=[Phase.generate])
"""Ends at the first failure."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """On SQLite: the queries are the same, and this is quick."""
    database = open_database(f"sqlite:///{tmp_path}/catalog.db")
    # what is searched need not survive the machine
    event.listen(database._engine, "connect", lambda made, _: made.execute("PRAGMA synchronous = OFF"))
    database.migrate()
    yield database
    database.dispose()


def machine(database: Database, **changes: Any) -> type[LeaseProtocol]:
    return type("Protocol", (LeaseProtocol,), {"database": database, **changes})


def test_the_protocol_holds(database: Database) -> None:
    run_state_machine_as_test(machine(database), settings=SEARCH)


def publish_without_fence(session: WriteSession, lease: Lease) -> None:
    its = (BuildLease.metric == lease.wanted.metric, BuildLease.revision == lease.wanted.revision)
    session.execute(update(BuildLease).where(*its).values(state=LeaseState.READY))


def no_rule(step: str) -> Callable[..., Any]:
    """A step that others may take, but that the search does not choose."""
    taken: Callable[..., Any] = getattr(LeaseProtocol, step)

    def take(self: LeaseProtocol, *args: Any, **named: Any) -> Any:
        return taken(self, *args, **named)

    return take


def hunt(database: Database, beside: Sequence[str], **changes: Any) -> None:
    """Search without the steps that have nothing to do with the bug: it ends sooner."""
    changes |= {step: no_rule(step) for step in beside}
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine(database, **changes), settings=HUNT)


BESIDE_BUILDS = ("release", "fail", "kill", "request_cancel", "read", "remove_retired", "remove_orphans")
BESIDE_SWEEPS = ("beat", "publish", "release", "fail", "kill", "request_cancel", "find_damage")


@pytest.mark.parametrize(
    ("module", "name", "planted"),
    [
        (pyramids, "finish_lease", publish_without_fence),
        (pyramids, "reopen_builds", lambda *_, **__: None),
        (leases, "end_lapsed", lambda session: 0),
    ],
)
def test_a_planted_bug_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, planted: Any
) -> None:
    monkeypatch.setattr(module, name, planted)
    hunt(database, BESIDE_BUILDS)


def test_a_sweep_that_ignores_leases_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "is_building", false)
    hunt(database, (*BESIDE_SWEEPS, "publish_in_time", "drop", "read"))


def test_a_sweep_without_grace_is_found(database: Database) -> None:
    hunt(database, BESIDE_SWEEPS, grace_s=0)
