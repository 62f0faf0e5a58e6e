"""Leases between real processes, which are killed and frozen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import select

import lease_holder
from catalog.clock import SecondsNow
from catalog.database import Database
from catalog.models import BuildLease, Terrain
from catalog.repository.leases import WantedBuild
from catalog.repository.pyramids import NewGeneration, find_pyramid
from passing import pass_by

MakeGeneration = Callable[..., NewGeneration]

ROUNDS = int(os.environ.get("ZIGGURAT_TEST_RACES", "10"))

PATIENCE_S = 60.0


class Program:
    """A process that holds leases."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, lease_holder.__file__, url, name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def tell(self, command: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, arguments]) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, command: str, **arguments: Any) -> Any:
        self.tell(command, **arguments)
        return self.answer()

    def take(self, wanted: WantedBuild, ttl_s: float) -> bool:
        taken = self.ask("take", wanted=asdict(wanted), generation_id=f"g-{self.name}", ttl_s=ttl_s)
        return bool(taken)

    def take_in_time(self, wanted: WantedBuild, ttl_s: float) -> None:
        """Take a lease as soon as it is to be had."""
        wait_until(lambda: self.take(wanted, ttl_s))

    def publish(self, generation: NewGeneration) -> Any:
        return self.ask("publish", generation=asdict(generation))

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.communicate()


@pytest.fixture
def two(database_url: str, database: Database) -> Iterator[tuple[Program, Program]]:
    one, other = Program(database_url, "one"), Program(database_url, "other")
    yield one, other
    for each in (one, other):
        each.end()


def row_of(database: Database, wanted: WantedBuild) -> BuildLease:
    with database.read() as session:
        return session.scalars(select(BuildLease).filter_by(**asdict(wanted))).one()


def left_of(database: Database, wanted: WantedBuild) -> float:
    """Seconds until a lease lapses."""
    with database.read() as session:
        left = select(BuildLease.lease_until - SecondsNow()).filter_by(**asdict(wanted))
        return session.scalars(left).one()


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def in_use(database: Database, terrain: Terrain) -> str | None:
    with database.read() as session:
        pyramid = find_pyramid(session, terrain.id, "max")
    return None if pyramid is None else pyramid.generation_id


def test_of_racing_processes_one_builds(
    database: Database, wanted: WantedBuild, two: tuple[Program, Program]
) -> None:
    for revision in range(ROUNDS):
        build = replace(wanted, revision=revision)
        for each in two:
            each.tell("take", wanted=asdict(build), generation_id=f"g-{each.name}", ttl_s=100.0)
        winners = [each.name for each in two if each.answer()]
        row = row_of(database, build)
        assert (winners, row.fence) == ([row.owner], 1)


def test_a_beating_process_keeps_its_lease_and_a_killed_one_loses_it(
    database: Database, alps: Terrain, wanted: WantedBuild, new_generation: MakeGeneration,
    two: tuple[Program, Program],
) -> None:  # fmt: skip
    one, other = two
    assert one.take(wanted, 100.0)
    one.ask("keep", ttl_s=100.0, every_s=0.1)
    for _ in range(3):
        pass_by(database, 60.0)
        wait_until(lambda: left_of(database, wanted) > 50.0)
        assert not other.take(wanted, 100.0)
    one.process.kill()
    one.process.wait()
    pass_by(database, 99.0)
    lapses_at = row_of(database, wanted).lease_until
    other.take_in_time(wanted, 100.0)
    taken = row_of(database, wanted)
    assert (taken.owner, taken.fence, taken.attempts) == ("other", 2, 2)
    assert taken.started_at >= lapses_at
    assert other.publish(new_generation("g-other", 1)) == "published"
    assert in_use(database, alps) == "g-other"


def test_a_process_that_was_frozen_for_too_long_publishes_nothing(
    database: Database, alps: Terrain, wanted: WantedBuild, new_generation: MakeGeneration,
    two: tuple[Program, Program],
) -> None:  # fmt: skip
    one, other = two
    assert one.take(wanted, 1.0)
    one.process.send_signal(signal.SIGSTOP)
    other.take_in_time(wanted, 100.0)
    one.process.send_signal(signal.SIGCONT)
    assert one.publish(new_generation("g-one", 1)) == "lost"
    assert in_use(database, alps) is None
    assert other.publish(new_generation("g-other", 1)) == "published"
    assert one.publish(new_generation("g-one", 1)) == "lost"
    assert one.ask("beat", ttl_s=1.0) == "lost"
    assert in_use(database, alps) == "g-other"
    assert row_of(database, wanted).state == "ready"
