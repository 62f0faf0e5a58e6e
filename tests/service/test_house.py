"""An installation is wired so that its settings fit each other."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import text

from installations import make_installation


def test_every_thread_and_build_that_the_settings_allow_finds_a_connection(tmp_path: Path) -> None:
    with (
        make_installation(tmp_path).house(request_threads=14, builds_per_replica=3) as house,
        ExitStack() as all_at_once,
    ):
        for _ in range(14 + 3):
            session = all_at_once.enter_context(house.database.read())
            session.execute(text("SELECT 1"))
