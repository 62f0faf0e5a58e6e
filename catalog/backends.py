"""What one kind of database has to do differently from another, and what all of them are told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine

from catalog.watchdog import Watchdog

ACCESS = "catalog_access"
"""The execution option that says what a transaction is for."""


class Access(Enum):
    """What a transaction is for."""

    READ = "read"
    WRITE = "write"
    MIGRATE = "migrate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a process may ask of its database, and how long it waits."""

    connections: int = 10
    """Open at once: more than the threads that ask, which are eight for requests, and a build's."""

    keeps_connections: bool = True
    """Whether they stay open for the next session, rather than none is left when a command ends."""

    connection_wait_s: float = 0.5
    """A request that finds no free connection for so long had better be told to come again."""

    silence_s: float = 2.0
    """How long a server may take over what takes it no time, such as BEGIN: then it is not there."""

    lock_wait_s: float = 5.0
    """How long a writer waits for another one."""

    read_s: float = 10.0
    """The longest statement of a transaction that reads, where the database can be told."""

    write_s: float = 60.0
    """The longest statement of one that writes: a terrain of a million tiles is deleted in one."""

    idle_s: float = 60.0
    """A transaction that is left open without a statement for so long is ended, where the database can."""


def statement_limit_s(access: Access, limits: Limits, left_s: float) -> float:
    """How long a statement may take, in seconds.

    The deadline cuts who reads, or waits. A change that has its locks is carried through: cut off,
    it would only be asked for again.
    """
    if access is Access.MIGRATE:
        return math.inf
    return limits.write_s if access is Access.WRITE else min(limits.read_s, left_s)


class Backend(Protocol):
    """The room of one kind of database. A module is one: `catalog.sqlite`, `catalog.postgresql`."""

    IS_SHARED: bool
    """Whether other machines may use the same catalogue: its schema is not changed in passing then."""

    CONNECT_S: float
    """How long a connection may take to be made."""

    def checked_url(self, url: URL) -> URL:
        """The URL with its driver.

        Raises
        ------
        ArgumentError
            It cannot be that of a catalogue.
        """

    def open_engine(self, url: URL, limits: Limits, watchdog: Watchdog, **pool: Any) -> Engine:
        """An engine on a checked URL, watched if need be; `pool` is passed on. Connects to nothing."""

    def begin(self, access: Access, limits: Limits, left_s: float) -> Sequence[str]:
        """The SQL that begins a transaction, of which `left_s` seconds are left. One round trip at most."""

    def make_place(self, url: URL) -> None:
        """Make what has to be there before a new catalogue can be.

        Raises
        ------
        CatalogUnavailable
        """

    def lock_schema(self, connection: Connection) -> None:
        """Let one process at a time change the schema, until the transaction ends."""
