"""More requests than can be served, and a server that has nothing left for us."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from asking import ask, ask_at_once, assert_heals, statuses
from catalogues import Role
from installations import Installation, make_installation
from rest import AppClient, figure, open_client, until
from service.desk import Desk

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def add_route(client: AppClient, path: str, statement: str, limit_ms: int | None = None) -> None:
    """`path` asks the catalogue this, which the server may be told to end after some milliseconds."""
    desk: Desk = client.app.state.desk

    def execute() -> None:
        with desk.house.database.read() as session:
            if limit_ms is not None:
                session.execute(text(f"SET LOCAL statement_timeout = {limit_ms}"))
            session.execute(text(statement))

    async def answer() -> None:
        await desk.run(execute)

    client.app.add_api_route(path, answer)


def add_slow_route(client: AppClient, limit_ms: int | None = None) -> None:
    """`/slow` asks the catalogue something that takes longer than anybody waits."""
    add_route(client, "/slow", "SELECT pg_sleep(600)", limit_ms)


def wait_for_the_end_of_slow_statements(catalogue_url: str) -> None:
    """Those whose client has only gone away would run on."""
    running = b"SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
    with psycopg.connect(catalogue_url, autocommit=True) as connection:
        until(lambda: connection.execute(running).rowcount == 0)


def test_row_9_what_cannot_be_served_in_time_is_sent_away(
    start: Callable[..., AppClient], catalogue_url: str
) -> None:
    client = start(request_threads=4, request_queue=8, deadline_s=12)
    add_route(client, "/held", "SELECT pg_advisory_xact_lock_shared(9)")
    with psycopg.connect(catalogue_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT pg_advisory_xact_lock(9)")
        asking = pool.submit(ask_at_once, client, "/held", 100, 100)
        # whom the queue has no place for is sent away at once, and who waited, when half of the time is
        # over: with all of it those who are served would be lost as well
        until(lambda: figure(client, "ziggurat_sheds_total", reason="overloaded") == 96)
        other.rollback()
        assert statuses(asking.result()) == {200: 4, 503: 96}
    assert_heals(client)


def test_row_10_a_server_without_free_connections_is_503_until_there_are(
    client: AppClient, installation: Installation, role: Role
) -> None:
    role.alter("CONNECTION LIMIT 2")
    client.app.state.desk.house.database.dispose()
    url = make_url(installation.database_url).set(drivername="postgresql")
    with ExitStack() as others:
        for _ in range(2):
            others.enter_context(psycopg.connect(url.render_as_string(hide_password=False)))
        assert statuses(ask_at_once(client, "/terrain", 20, 10)) == {503: 20}
        assert client.get("/health/ready").status_code == 200
    assert_heals(client)


def test_row_12_a_statement_is_ended_at_the_deadline_by_the_server_itself(
    start: Callable[..., AppClient], catalogue_url: str
) -> None:
    client = start(deadline_s=1)
    add_slow_route(client)
    asked = ask(client, "/slow")
    assert asked.status == 503
    assert asked.seconds > 0.9
    wait_for_the_end_of_slow_statements(catalogue_url)
    assert_heals(client)


def test_row_12_a_statement_that_takes_too_long_is_not_sent_again(start: Callable[..., AppClient]) -> None:
    client = start(deadline_s=30)
    add_slow_route(client, limit_ms=100)
    assert ask(client, "/slow").status == 503
    assert figure(client, "ziggurat_retries_total") == 0
    assert_heals(client)


@contextmanager
def pgbouncer(url: str, folder: Path) -> Iterator[str]:
    """pgbouncer with one connection to the database of this URL; the URL through it."""
    server = make_url(url)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    host = server.query.get("host", server.host)
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={host} port={server.port or 5432} user={server.username or 'postgres'}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 1\nquery_wait_timeout = 1\n"
        "server_lifetime = 0\n"  # a session for each transaction
        "ignore_startup_parameters = extra_float_digits\n"
    )
    # it refuses to run as root, and the server's socket may be for the server's own user alone
    as_user = ["-u", Path(str(host)).owner() if str(host).startswith("/") else "nobody"]
    with (folder / "pgbouncer.log").open("w") as log:
        command = [str(PGBOUNCER), *(as_user if os.geteuid() == 0 else []), str(configuration)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: is_listening(port))
        through = server.difference_update_query(["host"]).set(host="127.0.0.1", port=port)
        yield through.render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_listening(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def pooled(catalogue_url: str, tmp_path: Path) -> Iterator[Installation]:
    """One whose catalogue is behind a pooler with one connection."""
    if PGBOUNCER is None:
        pytest.skip("needs pgbouncer; Debian's package of that name will do")
    (tmp_path / "pooler").mkdir()
    with pgbouncer(catalogue_url, tmp_path / "pooler") as url:
        yield make_installation(tmp_path, url)


def test_row_11_a_pooler_whose_queue_is_full_is_503(pooled: Installation) -> None:
    options = {"stale_page_s": 0, "deadline_s": 20}
    with open_client(pooled, **options) as client, psycopg.connect(pooled.database_url) as other:
        other.execute("SELECT 1")  # its transaction is open: the pooler has no other connection
        assert statuses(ask_at_once(client, "/terrain", 8, 8)) == {503: 8}
        assert figure(client, "ziggurat_retries_total") == 0, "it would only queue again"
        assert client.get("/health/live").status_code == 200
        other.rollback()
        assert_heals(client)


def test_a_pooler_that_hands_every_transaction_another_session_is_not_noticed(
    pooled: Installation, catalogue_url: str
) -> None:
    with open_client(pooled, stale_page_s=0, deadline_s=3) as client:
        for number in range(8):  # psycopg would prepare a statement the fifth time
            assert ask(client, "/terrain", "POST", json={"name": f"alps-{number}"}).status == 201
            changed = ask(client, f"/terrain/alps-{number}", "PATCH", json={"title": "The Alps"})
            assert changed.answer.json()["title"] == "The Alps"
        assert len(client.get("/terrain?q=alps&limit=5").json()["terrains"]) == 5
        add_slow_route(client)
        assert ask(client, "/slow").status == 503
        wait_for_the_end_of_slow_statements(catalogue_url)
        assert_heals(client)


def test_a_healthy_burst_sheds_nothing(installation: Installation) -> None:
    with open_client(installation) as client:
        assert statuses(ask_at_once(client, "/terrain", 500, 50)) == {200: 500}
        assert figure(client, "ziggurat_sheds_total") == 0
