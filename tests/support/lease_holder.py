"""An attempt at builds as a program, for tests that freeze and kill it: `python lease_holder.py URL NAME`.

Takes a command in JSON from each line it reads, and answers it with a line of JSON.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from threading import Event, Thread
from typing import Any

from catalog.database import Database, open_database
from catalog.errors import LeaseLost
from catalog.repository.leases import Lease, WantedBuild, beat, take_lease
from catalog.repository.pyramids import NewGeneration, publish_generation


class Holder:
    """Holds one lease at a time, or none."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._lease: Lease | None = None
        self._is_over = Event()
        self._beating: Thread | None = None

    def take(self, wanted: dict[str, Any], generation_id: str, ttl_s: float) -> bool:
        """Whether the lease is this process's now."""
        with self._database.write() as session:
            self._lease = take_lease(
                session,
                WantedBuild(**wanted),
                owner=self._name,
                host=self._name,
                generation_id=generation_id,
                ttl_s=ttl_s,
            )
        return self._lease is not None

    def keep(self, ttl_s: float, every_s: float) -> None:
        """Beat from a thread until the program ends."""

        def beat_on() -> None:
            while not self._is_over.wait(every_s):
                self.beat(ttl_s)

        self._beating = Thread(target=beat_on)
        self._beating.start()

    def beat(self, ttl_s: float) -> str:
        """What the catalogue says to it."""
        assert self._lease is not None
        with self._database.write() as session:
            return beat(session, self._lease, ttl_s=ttl_s, shards_done=1, shards_total=2).value

    def publish(self, generation: dict[str, Any]) -> str:
        """How it went."""
        try:
            with self._database.write() as session:
                is_newest = publish_generation(session, NewGeneration(**generation), self._lease)
        except LeaseLost:
            return "lost"
        return "published" if is_newest else "superseded"

    def stop(self) -> None:
        self._is_over.set()
        if self._beating is not None:
            self._beating.join()


def main(url: str, name: str) -> None:
    """Do as told until nothing more is told."""
    with ExitStack() as ending:
        database = open_database(url)
        ending.callback(database.dispose)
        holder = Holder(database, name)
        ending.callback(holder.stop)
        for line in sys.stdin:
            command, arguments = json.loads(line)
            sys.stdout.write(json.dumps(getattr(holder, command)(**arguments)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
