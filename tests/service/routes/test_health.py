"""Health: the process says that it lives whatever else is busy, and whether it should be sent requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from held_metric import METRICS, held_builds
from installations import Installation, make_installation
from rest import AppClient, add_golden, figure, hold_catalogue, open_client, problem_in, serve, until

STATE = "/terrain/golden/pyramid/held"

THREADS, WRITERS = 16, 30


def test_health_and_figures_answer_while_threads_connections_and_the_build_are_busy(
    installation: Installation,
) -> None:
    with (
        serve(installation, request_threads=THREADS, metrics=(METRICS,)) as address,
        httpx.Client(base_url=address, timeout=60) as client,
        ThreadPoolExecutor(WRITERS) as pool,
        held_builds(installation.folder) as hold,
    ):
        add_golden(installation, client)
        assert client.post(STATE).json()["state"] == "building"
        until(hold.has_begun)
        with hold_catalogue(installation):
            writers = [pool.submit(client.post, "/terrain", json={"name": f"t{n}"}) for n in range(WRITERS)]
            until(lambda: figure(client, "ziggurat_requests_waiting") == WRITERS - THREADS)
            health = [client.get(f"/health/{name}") for name in ("live", "ready") * 5]
            assert figure(client, "ziggurat_request_threads_busy") == THREADS
            assert figure(client, "ziggurat_pool_in_use") >= 10
            assert figure(client, "ziggurat_builds_running") == 1
            assert not any(writer.done() for writer in writers), "all were to be busy"
        statuses = {writer.result().status_code for writer in writers}
    assert [answer.json()["status"] for answer in health] == ["live", "ready"] * 5
    assert statuses <= {201, 503}


def test_a_catalogue_that_cannot_be_read_does_not_take_the_replica_out(tmp_path: Path) -> None:
    installation = make_installation(tmp_path)  # a file is easily broken
    with open_client(installation) as client:
        client.app.state.desk.house.database.dispose()
        (installation.folder / "catalog.db").write_bytes(b"no database")
        problem_in(client.get("/terrain"), 503, "catalog-unavailable")
        assert client.get("/health/ready").json() == {"status": "ready"}


def test_a_replica_that_shuts_down_says_so_and_still_answers(client: AppClient) -> None:
    client.app.state.readiness.drain()
    problem = problem_in(client.get("/health/ready"), 503, "not-ready")
    assert problem["reason"] == "it is shutting down"
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/terrain").status_code == 200
