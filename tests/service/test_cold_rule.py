"""The cold rule, on a real socket: what is not stored is built once, stored and served."""

from __future__ import annotations

import asyncio
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import text

from installations import Installation, save_geotiff
from rest import add_golden, add_terrain, generation_count, hold_catalogue, opened_files, problem_in, serve
from terrains import UTM

STATE = "/terrain/golden/pyramid/max"
LEVEL = f"{STATE}/1"
LEVEL_1 = [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]]


@pytest.fixture
def client(installation: Installation) -> Iterator[httpx.Client]:
    """A served installation with the golden terrain, not built. Each request reads the store anew."""
    with serve(installation, chunk_cache=0) as address, httpx.Client(base_url=address, timeout=30) as client:
        add_golden(installation, client)
        yield client


def until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while client.get(STATE).json()["state"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_hundred_equal_cold_requests_are_one_build(
    installation: Installation, client: httpx.Client
) -> None:
    async def ask_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=client.base_url, limits=limits, timeout=60) as many:
            return await asyncio.gather(*(many.get(LEVEL) for _ in range(100)))

    with opened_files.below(installation.tile_file("east.npy").parent) as opened:
        answers = asyncio.run(ask_all())
    assert [answer.status_code for answer in answers] == [200] * 100
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert answers[0].json()["values"] == LEVEL_1
    assert generation_count(installation) == 1
    assert sorted(Path(path).name for path in opened) == ["east.npy", "west.npy"]


def test_the_next_request_opens_no_source_and_needs_none(
    installation: Installation, client: httpx.Client
) -> None:
    first = client.get(LEVEL)
    with opened_files.below(installation.tile_file("east.npy").parent) as opened:
        assert client.get(LEVEL).content == first.content
        assert client.get(f"{STATE}/0?row=2&height=1").json()["values"] == [[87, 12, 34, 32, 34, 7, 12]]
    assert not opened
    shutil.rmtree(installation.tiles)
    assert client.get(LEVEL).content == first.content
    assert client.get(f"{STATE}/-1").json()["values"] == [[87]]


def test_a_service_that_starts_anew_finds_what_was_stored(installation: Installation) -> None:
    with serve(installation) as address, httpx.Client(base_url=address) as client:
        add_golden(installation, client)
        first = client.get(LEVEL)
    shutil.rmtree(installation.tiles)
    with serve(installation) as address:
        again = httpx.get(f"{address}{LEVEL}")
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])


def test_a_build_that_takes_longer_goes_on_and_says_where_to_look(
    installation: Installation, client: httpx.Client
) -> None:
    with hold_catalogue(installation):
        for prefer, applied in (("wait=0", "wait=0"), ("respond-async", "respond-async")):
            answer = client.get(LEVEL, headers={"Prefer": prefer})
            assert answer.status_code == 202
            assert answer.headers["location"] == STATE
            assert answer.headers["preference-applied"] == applied
            assert 1 <= int(answer.headers["retry-after"]) <= 5
            assert answer.headers["cache-control"] == "no-store"
            body = answer.json()
            assert (body["state"], body["generation"], body["terrain_id"]) == ("building", None, 1)
            state = client.get(answer.headers["location"]).json()
            assert state.keys() == body.keys()
            assert state["state"] == "building"
    until_ready(client)
    assert client.get(LEVEL).json()["values"] == LEVEL_1
    assert generation_count(installation) == 1


def test_an_ordered_build_is_the_one_that_requests_wait_for(
    installation: Installation, client: httpx.Client
) -> None:
    with ThreadPoolExecutor() as pool, hold_catalogue(installation):
        ordered = client.post(STATE)
        assert (ordered.status_code, ordered.headers["location"]) == (202, STATE)
        assert ordered.json()["state"] == "building"
        waiting = pool.submit(client.get, LEVEL, headers={"Prefer": "wait=30"})
        assert client.post(STATE).status_code == 202
        time.sleep(0.1)
        assert not waiting.done()
    assert waiting.result().json()["values"] == LEVEL_1
    assert client.post(STATE).status_code == 200
    assert generation_count(installation) == 1


def test_a_client_that_leaves_does_not_stop_the_build(
    installation: Installation, client: httpx.Client
) -> None:
    url = client.base_url
    with hold_catalogue(installation):
        leaving = socket.create_connection((url.host, url.port or 80))
        leaving.sendall(f"GET {LEVEL} HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
        while client.get(STATE).json()["state"] != "building":
            time.sleep(0.01)
        leaving.close()
        time.sleep(0.1)
        assert client.get(STATE).json()["state"] == "building"
    until_ready(client)
    assert generation_count(installation) == 1


def test_the_process_says_it_lives_while_every_thread_and_the_build_are_busy(
    installation: Installation, client: httpx.Client
) -> None:
    async def ask(holding: ExitStack) -> tuple[list[httpx.Response], list[httpx.Response]]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=client.base_url, limits=limits, timeout=60) as many:
            build = asyncio.create_task(many.post(STATE, headers={"Prefer": "wait=20"}))
            writers = [asyncio.create_task(many.post("/terrain", json={"name": f"t{n}"})) for n in range(20)]
            await asyncio.sleep(0.2)
            alive = [await many.get("/health/live") for _ in range(5)]
            assert not any(task.done() for task in (build, *writers)), "all were to be busy"
            holding.close()
            return alive, await asyncio.gather(build, *writers)

    with ExitStack() as holding:
        holding.enter_context(hold_catalogue(installation))
        alive, answers = asyncio.run(ask(holding))
    assert [answer.json() for answer in alive] == [{"status": "live"}] * 5
    assert [answer.status_code for answer in answers] == [200] + [201] * 20


# Builds that fail


def test_everybody_who_waits_for_a_build_that_fails_is_told_the_same(
    installation: Installation, client: httpx.Client
) -> None:
    installation.tile_file("east.npy").unlink()

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=client.base_url, timeout=60) as many:
            return await asyncio.gather(*(many.get(LEVEL) for _ in range(10)))

    answers = asyncio.run(ask_all())
    problems = [problem_in(answer, 502, "source-not-found") for answer in answers]
    assert len({problem.pop("request_id") for problem in problems}) == 10
    assert all(problem == problems[0] for problem in problems)
    assert problems[0]["source"] == "east.npy"
    state = client.get(STATE).json()
    assert state["state"] == "failed"
    assert state["failure"]["error"] == "SourceNotFound"
    assert "east.npy" in state["failure"]["detail"]
    assert generation_count(installation) == 0


def test_a_build_that_failed_is_tried_again_when_it_is_ordered(
    installation: Installation, client: httpx.Client
) -> None:
    away = installation.folder / "away.npy"
    installation.tile_file("east.npy").rename(away)
    problem_in(client.get(LEVEL), 502)
    away.rename(installation.tile_file("east.npy"))
    remembered = client.get(LEVEL)
    problem_in(remembered, 502, "source-not-found")
    assert int(remembered.headers["Retry-After"]) >= 1
    assert client.post(STATE, headers={"Prefer": "wait=20"}).json()["state"] == "ready"
    assert client.get(LEVEL).json()["values"] == LEVEL_1
    assert client.get(STATE).json()["failure"] is None


def test_a_source_that_has_changed_since_it_was_registered_says_so(
    installation: Installation, client: httpx.Client
) -> None:
    np.save(installation.tile_file("east.npy"), np.zeros((5, 3), dtype=np.int16))
    assert problem_in(client.get(LEVEL), 409, "source-changed")["source"] == "east.npy"


def test_a_source_that_is_damaged_inside_says_so(installation: Installation, client: httpx.Client) -> None:
    path = installation.tiles / "damaged.tif"
    save_geotiff(path, np.arange(400, dtype=np.int32).reshape(20, 20), transform=UTM, compress="deflate")
    content = path.read_bytes()
    path.write_bytes(content[:-200])
    add_terrain(client, "damaged", {"url": "damaged.tif"})
    answer = client.get("/terrain/damaged/pyramid/max/0")
    assert problem_in(answer, 422, "source-unreadable")["source"] == "damaged.tif"


def test_a_terrain_that_is_deleted_while_it_is_built_is_gone(
    installation: Installation, client: httpx.Client
) -> None:
    with ThreadPoolExecutor() as pool:
        with hold_catalogue(installation) as catalogue:
            waiting = pool.submit(client.get, LEVEL, headers={"Prefer": "wait=30"})
            while client.get(STATE).json()["state"] != "building":
                time.sleep(0.01)
            catalogue.execute(text("DELETE FROM terrain"))
        problem_in(waiting.result(), 404, "terrain-not-found")
    problem_in(client.get(LEVEL), 404, "terrain-not-found")
    assert generation_count(installation) == 0
    assert not installation.stored_files()


# Damage


def test_damaged_cells_are_never_served_and_are_built_anew(
    installation: Installation, client: httpx.Client
) -> None:
    first = client.get(f"{STATE}/0")
    generation = first.headers["ziggurat-generation"]
    root = installation.store_folder / "golden" / "max" / f"{generation}.zarr"
    (shard,) = (
        path for path in (root / "0" / "elevation").rglob("*") if path.is_file() and "c" in path.parts
    )
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    shard.chmod(0o644)
    shard.write_bytes(damaged)
    answer = client.get(f"{STATE}/0")
    problem = problem_in(answer, 503, "pyramid-corrupt")
    assert "detail" not in problem, "keys of the store are nobody's business"
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert client.get(STATE).json()["state"] != "corrupt", "it was ordered at once"
    until_ready(client)
    again = client.get(f"{STATE}/0")
    assert again.json()["values"] == first.json()["values"]
    assert again.headers["ziggurat-generation"] != generation
    assert client.get(STATE).json()["state"] == "ready"


def test_a_damaged_pyramid_whose_sources_are_gone_says_what_is_missing(
    installation: Installation, client: httpx.Client
) -> None:
    generation = client.get(LEVEL).headers["ziggurat-generation"]
    shutil.rmtree(installation.store_folder / "golden" / "max" / f"{generation}.zarr")
    installation.tile_file("west.npy").unlink()
    problem_in(client.get(LEVEL), 503, "pyramid-corrupt")
    problem = problem_in(client.get(LEVEL), 500, "pyramid-lost")
    assert "west.npy" in problem["detail"]
