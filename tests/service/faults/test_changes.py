"""Changes that meet each other, or a server that takes none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from sqlalchemy import make_url

from asking import ask, assert_heals
from catalogues import PostgresServer
from rest import AppClient

TITLE = {"json": {"title": "The Alps"}}


def test_row_13_a_lock_is_waited_for_until_the_deadline(
    start: Callable[..., AppClient], catalogue_url: str
) -> None:
    client = start(deadline_s=2)
    with psycopg.connect(catalogue_url) as other:
        other.execute("UPDATE terrain SET description = 'theirs' WHERE name = 'alps'")
        refused = ask(client, "/terrain/alps", "PATCH", **TITLE)
        assert refused.status == 503
        assert refused.seconds > 1.9
        assert ask(client, "/terrain/andes", "PATCH", **TITLE).status == 200, "that one is free"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ask, client, "/terrain/alps", "PATCH", **TITLE)
            threading.Event().wait(0.5)
            assert not waiting.done()
            other.commit()
            assert waiting.result().status == 200
    kept = client.get("/terrain/alps").json()
    assert (kept["title"], kept["description"]) == ("The Alps", "theirs")
    assert_heals(client)


def test_row_14_a_server_that_takes_no_changes_still_answers(
    client: AppClient, catalogue_url: str, postgres: PostgresServer
) -> None:
    name = make_url(catalogue_url).database
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    client.app.state.desk.house.database.dispose()
    for _ in range(3):
        assert ask(client, "/terrain/alps", "PATCH", **TITLE).status == 503
        assert ask(client, "/terrain/alps").answer.json()["title"] is None
    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert_heals(client, "/terrain/alps", "PATCH", **TITLE)
    assert client.get("/terrain/alps").json()["title"] == "The Alps"
