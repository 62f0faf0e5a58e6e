"""Builders, readers and a sweep on a real catalogue, in any order, beside a model of what may happen.

Builders that are frozen need no rule of their own: each may do its next step after anything else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from hypothesis.strategies import SearchStrategy
from sqlalchemy import delete

from catalog.database import Database
from catalog.errors import LeaseLost
from catalog.models import Orphan, Terrain
from catalog.repository import generations, leases, pyramids
from catalog.repository.lease_views import list_live_leases
from catalog.repository.leases import Beat, Lease, LeaseState, WantedBuild
from catalog.repository.pyramids import NewGeneration
from catalog.repository.terrains import NewTerrain, create_terrain
from passing import pass_by

TTL_S, PAUSE_S, GRACE_S, READING_S = 105_000, 55_000, 1_005_000, 905_000
"""No sum of steps comes near any of these: what a test itself takes does not matter."""

STEPS_S = (30_000, 200_000, 1_100_000)

MOST_LIVE = 2

BUILDS = (("max", 1), ("max", 2), ("min", 1))

names = count()


@dataclass
class Row:
    """What the lease of a build should be."""

    state: LeaseState
    holder: Lease
    lapses_at: float
    retry_at: float = 0.0
    is_to_stop: bool = False


@dataclass
class Pointer:
    """What a pyramid should point at."""

    generation: str
    revision: int
    is_corrupt: bool = False


@dataclass
class Reader:
    """Somebody who reads a generation for some time."""

    generation: str
    until: float


def some(values: range | tuple[int, ...]) -> SearchStrategy[int]:
    return st.sampled_from(values)


class LeaseProtocol(RuleBasedStateMachine):
    """The protocol: its rules do what processes do, its invariants hold whatever they do."""

    database: ClassVar[Database]
    grace_s: ClassVar[float] = GRACE_S

    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        with self.database.write() as session:
            for table in (Terrain, Orphan):
                session.execute(delete(table))
            self.terrain = create_terrain(session, NewTerrain(name=f"t{next(names)}"))
        self.now = 0.0
        self.rows: dict[WantedBuild, Row] = {}
        self.pointers: dict[str, Pointer] = {}
        self.known: set[str] = set()
        self.store: set[str] = set()
        self.readers: list[Reader] = []
        self.dead: set[str] = set()
        self.retired_found: list[str] = []
        self.orphans_found: list[str] = []

    # What builders do

    @rule(target=attempts, build=some(range(len(BUILDS))), is_bounded=st.booleans())
    def take(self, build: int, is_bounded: bool) -> Any:
        if is_bounded:
            self.end_lapsed()
        lease = self.try_to_take(build, most_live=MOST_LIVE if is_bounded else None)
        return multiple() if lease is None else lease

    @rule(target=attempts, build=some(range(len(BUILDS))))
    def replace_at_once(self, build: int) -> Any:
        """Build what is not wrong, without anything in between."""
        pointer = self.pointers.get(BUILDS[build][0])
        lease = self.try_to_take(build, instead_of=None if pointer is None else pointer.generation)
        if lease is None:
            return multiple()
        self.publish(lease)
        return lease

    @rule(lease=attempts)
    def beat(self, lease: Lease) -> None:
        with self.database.write() as session:
            told = leases.beat(session, lease, ttl_s=TTL_S, shards_done=1, shards_total=2)
        row = self.held(lease)
        if row is None:
            assert told is Beat.LOST
        else:
            assert told is (Beat.CANCEL_REQUESTED if row.is_to_stop else Beat.ALIVE)
            row.lapses_at = self.now + TTL_S

    @rule(lease=attempts)
    def publish(self, lease: Lease) -> None:
        row, pointer = self.held(lease), self.pointers.get(lease.wanted.metric)
        is_newest = pointer is None or pointer.revision <= lease.wanted.revision
        published: bool | None = None
        with suppress(LeaseLost), self.database.write() as session:
            published = pyramids.publish_generation(session, self.new_generation(lease), lease)
        if lease.generation_id in self.known:
            assert published is (pointer is not None and pointer.generation == lease.generation_id)
            return
        assert published is (False if not is_newest else None if row is None else True)
        if row is not None:
            row.state = LeaseState.READY if published else LeaseState.RELEASED
        if published:
            self.known.add(lease.generation_id)
            self.point(lease.wanted.metric, Pointer(lease.generation_id, lease.wanted.revision))
            self.read()  # somebody waits for it

    @rule(build=some(range(len(BUILDS))))
    def publish_in_time(self, build: int) -> None:
        for row in self.working():
            if (row.holder.wanted.metric, row.holder.wanted.revision) == BUILDS[build]:
                self.publish(row.holder)

    @rule(lease=attempts)
    def release(self, lease: Lease) -> None:
        with self.database.write() as session:
            is_left = leases.release_lease(session, lease)
        self.check_end(lease, LeaseState.RELEASED, is_done=is_left)

    @rule(lease=attempts)
    def fail(self, lease: Lease) -> None:
        with self.database.write() as session:
            is_noted = leases.fail_lease(session, lease, {}, retry_in_s=PAUSE_S)
        self.check_end(lease, LeaseState.FAILED, is_done=is_noted)

    @rule(lease=consumes(attempts))
    def kill(self, lease: Lease) -> None:
        self.dead.add(lease.owner)

    # What others do

    @rule(build=some(range(len(BUILDS))))
    def request_cancel(self, build: int) -> None:
        metric = BUILDS[build][0]
        asked = [row for row in self.building() if row.holder.wanted.metric == metric]
        with self.database.write() as session:
            assert leases.request_cancel(session, self.terrain.id, metric) == len(asked)
        for row in asked:
            row.is_to_stop = True

    @rule()
    def read(self) -> None:
        with self.database.read() as session:
            known = pyramids.list_pyramids(session, self.terrain.id)
        found = {each.metric: each.generation_id for each in known if each.generation_id is not None}
        assert found == {metric: pointer.generation for metric, pointer in self.pointers.items()}
        self.readers += [Reader(generation, self.now + READING_S) for generation in found.values()]

    @rule(metric=st.sampled_from(["max", "min"]))
    def find_damage(self, metric: str) -> None:
        pointer = self.pointers.get(metric)
        if pointer is not None:
            with self.database.write() as session:
                pyramids.mark_corrupt(session, self.terrain.id, metric, pointer.generation)
            pointer.is_corrupt = True
            self.reopen(metric)

    @rule(metric=st.sampled_from(["max", "min"]))
    def drop(self, metric: str) -> None:
        with self.database.write() as session:
            pyramids.drop_pyramid(session, self.terrain.id, metric)
        self.point(metric, None)

    @rule(seconds=some(STEPS_S), is_beating=st.booleans())
    def pass_by(self, seconds: int, is_beating: bool) -> None:
        pass_by(self.database, seconds)
        self.now += seconds
        for row in self.working() if is_beating else []:
            self.beat(row.holder)
        self.readers = [reader for reader in self.readers if reader.until > self.now]

    @rule(is_quick=st.booleans())
    def sweep(self, is_quick: bool) -> None:
        """Find out what may go; it goes at once, or by and by, whatever happens meanwhile."""
        self.end_lapsed()
        grace = timedelta(seconds=self.grace_s)
        with self.database.write() as session:
            leases.end_lapsed(session)
            leases.forget_old_leases(session)
            generations.note_orphans(session, self.store)
        with self.database.read() as session:
            self.retired_found = [each.id for each in generations.list_retired(session, grace)]
            self.orphans_found = generations.list_orphans(session, grace)
        if is_quick:
            self.remove_retired(is_killed=False)
            self.remove_orphans()

    @rule(is_killed=st.booleans())
    def remove_retired(self, is_killed: bool) -> None:
        for generation in self.retired_found:
            with self.database.write() as session:
                is_forgotten = generations.forget_generation(session, generation)
            assert is_forgotten
            self.known.remove(generation)
            if not is_killed:
                self.remove(generation)
        self.retired_found = []

    @rule()
    def remove_orphans(self) -> None:
        for generation in self.orphans_found:
            self.remove(generation)
        self.orphans_found = []

    # What always holds

    @invariant()
    def nothing_is_missing(self) -> None:
        used = {pointer.generation for pointer in self.pointers.values()}
        written = {row.holder.generation_id for row in self.working()}
        read = {reader.generation for reader in self.readers}
        assert used | written | read <= self.store

    @invariant()
    def live_builds_are_those_of_the_model(self) -> None:
        with self.database.read() as session:
            found = [view.owner for view in list_live_leases(session, self.terrain.id)]
        assert sorted(found) == sorted(
            row.holder.owner for row in self.building() if row.lapses_at > self.now
        )

    def teardown(self) -> None:
        """In the end nothing is in the store but what is in use."""
        for _ in range(3):
            self.pass_by(2 * GRACE_S, is_beating=False)
            self.sweep(is_quick=True)
        assert self.store == {pointer.generation for pointer in self.pointers.values()}

    # The model, and what several steps share

    def try_to_take(
        self, build: int, *, most_live: int | None = None, instead_of: str | None = None
    ) -> Lease | None:
        metric, revision = BUILDS[build]
        wanted = WantedBuild(terrain_id=self.terrain.id, metric=metric, revision=revision, recipe="r")
        attempt = f"g{next(names):06}"
        has_room = most_live is None or len(self.building()) < most_live
        with self.database.write() as session:
            lease = leases.take_lease(
                session, wanted, owner=attempt, host="here", generation_id=attempt, ttl_s=TTL_S,
                most_live=most_live, instead_of=instead_of,
            )  # fmt: skip
        assert (lease is not None) == (has_room and self.may_be_taken(wanted, instead_of))
        if lease is not None:
            assert lease.fence > (self.rows[wanted].holder.fence if wanted in self.rows else 0)
            self.rows[wanted] = Row(LeaseState.BUILDING, lease, self.now + TTL_S)
            self.store.add(attempt)
        return lease

    def new_generation(self, lease: Lease) -> NewGeneration:
        wanted, generation = lease.wanted, lease.generation_id
        return NewGeneration(
            id=generation, terrain_id=wanted.terrain_id, metric=wanted.metric, revision=wanted.revision,
            href=f"{generation}.zarr", level_count=1, height=1, width=1, dtype="int16", nodata=None,
            transform=[1.0, 0.0, 0.0, 0.0, -1.0, 0.0], crs=None, unit=None, shard_count=1, byte_count=1,
            manifest_sha256="00",
        )  # fmt: skip

    def remove(self, generation: str) -> None:
        """Take a generation out of the store, as a sweep does."""
        self.store.discard(generation)
        with self.database.write() as session:
            generations.forget_orphan(session, generation)

    def building(self) -> list[Row]:
        return [row for row in self.rows.values() if row.state is LeaseState.BUILDING]

    def working(self) -> list[Row]:
        """Those of whom somebody is still there."""
        return [row for row in self.building() if row.holder.owner not in self.dead]

    def held(self, lease: Lease) -> Row | None:
        row = self.rows[lease.wanted]
        return row if row.holder == lease and row.state is LeaseState.BUILDING else None

    def may_be_taken(self, wanted: WantedBuild, instead_of: str | None) -> bool:
        row = self.rows.get(wanted)
        if row is None or row.state is LeaseState.RELEASED:
            return True
        if row.state is LeaseState.BUILDING:
            return row.lapses_at < self.now
        if row.state is LeaseState.READY:
            return row.holder.generation_id == instead_of
        return row.retry_at < self.now

    def end_lapsed(self) -> None:
        for row in self.building():
            if row.lapses_at < self.now:
                row.state = LeaseState.RELEASED

    def check_end(self, lease: Lease, state: LeaseState, *, is_done: bool) -> None:
        row = self.held(lease)
        assert is_done == (row is not None)
        if row is not None:
            row.state, row.retry_at = state, self.now + PAUSE_S

    def point(self, metric: str, pointer: Pointer | None) -> None:
        self.pointers.pop(metric, None)
        if pointer is not None:
            self.pointers[metric] = pointer
        self.reopen(metric)

    def reopen(self, metric: str) -> None:
        """Only what is in use and sound is not built again."""
        pointer = self.pointers.get(metric)
        for wanted, row in self.rows.items():
            if wanted.metric == metric and row.state is LeaseState.READY:
                sound = None if pointer is None or pointer.is_corrupt else pointer.generation
                if row.holder.generation_id != sound:
                    row.state = LeaseState.RELEASED
