"""Time that passes for builds and generations, while the database's clock stays the only one."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from catalog.database import Database
from catalog.models import BuildLease, Generation, Orphan


def pass_by(database: Database, seconds: float) -> None:
    """Move all that is recorded so far into the past."""
    moved = (BuildLease.lease_until, BuildLease.retry_at, BuildLease.started_at, BuildLease.beat_at)
    with database.write() as session:
        session.execute(update(BuildLease).values({column: column - seconds for column in moved}))
        for row in session.scalars(select(Generation).where(Generation.retired_at.is_not(None))):
            assert row.retired_at is not None
            row.retired_at -= timedelta(seconds=seconds)
        for orphan in session.scalars(select(Orphan)):
            orphan.seen_at -= timedelta(seconds=seconds)
