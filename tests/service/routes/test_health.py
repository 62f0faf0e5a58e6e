"""Health: the process says that it lives whatever else is busy, and whether it should be sent requests."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import httpx

from installations import Installation
from rest import AppClient, add_golden, hold_catalogue, open_client, problem_in, serve

STATE = "/terrain/golden/pyramid/max"


def test_health_answers_while_threads_connections_and_the_build_are_busy(installation: Installation) -> None:
    async def ask(address: str, release: ExitStack) -> tuple[list[httpx.Response], list[httpx.Response]]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60) as many:
            writers = [asyncio.create_task(many.post("/terrain", json={"name": f"t{n}"})) for n in range(30)]
            await asyncio.sleep(0.3)
            health = [await many.get(f"/health/{name}") for name in ("live", "ready") * 5]
            assert not any(task.done() for task in writers), "all were to be busy"
            release.close()
            return health, await asyncio.gather(*writers)

    # more threads than connections: some of them hold one, the others wait for one
    with (
        serve(installation, request_threads=16) as address,
        httpx.Client(base_url=address) as client,
        ExitStack() as release,
    ):
        add_golden(installation, client)
        release.enter_context(hold_catalogue(installation))
        assert client.post(STATE).json()["state"] == "building"
        health, answers = asyncio.run(ask(address, release))
    assert [answer.json()["status"] for answer in health] == ["live", "ready"] * 5
    assert [answer.status_code for answer in answers] == [201] * 30


def test_a_catalogue_that_cannot_be_read_does_not_take_the_replica_out(installation: Installation) -> None:
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
