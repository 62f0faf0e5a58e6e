"""What one kind of database has to do differently from another, and what all of them are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine


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

    connection_wait_s: float = 2.0
    """A request that finds no free connection for so long had better be told to come again."""

    lock_wait_s: float = 5.0
    """How long a writer waits for another one."""

    read_s: float = 10.0
    """The longest statement of a transaction that reads, where the database can be told."""

    write_s: float = 60.0
    """The longest statement of one that writes: a terrain of a million tiles is deleted in one."""

    idle_s: float = 60.0
    """A transaction that is left open without a statement for so long is ended, where the database can."""


class Backend(Protocol):
    """The room of one kind of database. A module is one: `catalog.sqlite`, `catalog.postgresql`."""

    IS_SHARED: bool
    """Whether other machines may use the same catalogue: its schema is not changed in passing then."""

    def checked_url(self, url: URL) -> URL:
        """The URL with its driver.

        Raises
        ------
        ArgumentError
            It cannot be that of a catalogue.
        """

    def open_engine(self, url: URL, limits: Limits, **pool: Any) -> Engine:
        """An engine on a checked URL; `pool` is passed on. Connects to nothing."""

    def begin(self, access: Access, limits: Limits) -> str:
        """The SQL that begins a transaction. It takes one round trip, whatever it sets."""

    def make_place(self, url: URL) -> None:
        """Make what has to be there before a new catalogue can be.

        Raises
        ------
        CatalogUnavailable
        """

    def lock_schema(self, connection: Connection) -> None:
        """Let one process at a time change the schema, until the transaction ends."""
