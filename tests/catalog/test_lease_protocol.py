"""The protocol of builds holds in whatever order its steps come, and the search finds what would break it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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

pytestmark = pytest.mark.long

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


def hunt(database: Database, *steps: str, **changes: Any) -> None:
    """Search among some kinds of steps only: among all it finds the same, but may take minutes."""
    changes |= {step: no_rule(step) for step in STEPS - set(steps)}
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine(database, **changes), settings=HUNT)


STEPS = frozenset(
    {"take", "replace_at_once", "beat", "publish", "publish_in_time", "release", "fail", "kill",
     "request_cancel", "read", "find_damage", "drop", "pass_by", "sweep", "remove_retired", "remove_orphans"}
)  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name", "planted", "steps"),
    [
        (pyramids, "finish_lease", publish_without_fence, ("take", "pass_by", "publish")),
        (pyramids, "reopen_builds", lambda *_, **__: None, ("take", "replace_at_once", "drop")),
        (leases, "end_lapsed", lambda session: 0, ("take", "pass_by")),
        (generations, "is_building", false, ("take", "pass_by", "sweep")),
    ],
)
def test_a_planted_bug_is_found(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    planted: Any,
    steps: tuple[str, ...],
) -> None:
    monkeypatch.setattr(module, name, planted)
    hunt(database, *steps)


def test_a_sweep_without_grace_is_found(database: Database) -> None:
    hunt(database, "replace_at_once", "sweep", grace_s=0)
