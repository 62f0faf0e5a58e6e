"""The cold rule of answers that are no promise: the generation in use, or a build waited for, or 503."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from held_metric import METRICS, Hold
from installations import Installation
from rest import (
    Client,
    add_golden,
    cover_cell,
    figure,
    generation_count,
    hold_catalogue,
    open_client,
    problem_in,
    serve,
    until,
)
from stored_files import StoredFile

POINT = "/terrain/golden/elevation?row=3&col=3"
STATE = "/terrain/golden/pyramid/max"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def client(installation: Installation) -> Iterator[httpx.Client]:
    """A served installation with the golden terrain, not built."""
    with serve(installation) as address, httpx.Client(base_url=address, timeout=30) as client:
        add_golden(installation, client)
        yield client


def lower(installation: Installation, client: Client) -> None:
    """Register one more tile, over the cell that is asked for."""
    cover_cell(installation, client, "low.npy", -5, x=3, y=3)


def test_the_first_question_waits_for_the_build(installation: Installation, client: httpx.Client) -> None:
    found = client.get(POINT).json()
    assert (found["elevation"], found["state"]) == (74, "ready")
    assert client.get(POINT).json() == found
    assert generation_count(installation) == 1


def test_who_does_not_wait_is_told_to_come_again(installation: Installation, client: httpx.Client) -> None:
    with hold_catalogue(installation):
        for answer in (
            client.get(POINT, headers=ASYNC),
            client.post("/terrain/golden/elevation", json={"points": [{"row": 3, "col": 3}]}, headers=ASYNC),
            client.get("/terrain/golden/profile?axes=rowcol&line=1,1;2,2", headers=ASYNC),
        ):
            problem = problem_in(answer, 503, "pyramid-pending")
            assert (problem["terrain"], problem["metric"]) == ("golden", "max")
            assert answer.headers["retry-after"]
    until(lambda: bool(client.get(STATE).json()["state"] == "ready"))
    assert client.get(POINT, headers=ASYNC).json()["elevation"] == 74
    assert generation_count(installation) == 1


def test_a_stale_generation_answers_at_once_and_a_newer_one_is_ordered(
    installation: Installation, client: httpx.Client
) -> None:
    fresh = client.get(POINT)
    lower(installation, client)
    with hold_catalogue(installation):
        old = client.get(POINT)
        assert (old.status_code, old.json()["elevation"], old.json()["state"]) == (200, 74, "stale")
        assert old.headers["ziggurat-state"] == "stale"
        assert old.headers["etag"] != fresh.headers["etag"], "what is stale is another answer"
    until(lambda: bool(client.get(POINT).json()["state"] == "ready"))
    assert client.get(POINT).json()["elevation"] == -5
    assert generation_count(installation) == 2


def test_an_update_that_fails_leaves_the_old_values_in_use(
    installation: Installation, client: httpx.Client
) -> None:
    client.get(POINT)
    lower(installation, client)
    installation.tile_file("low.npy").unlink()
    for _ in range(3):
        assert client.get(POINT).json()["elevation"] == 74


def test_a_build_that_fails_is_told(installation: Installation, client: httpx.Client) -> None:
    installation.tile_file("west.npy").unlink()
    problem_in(client.get(POINT), 502, "source-not-found")


def test_damage_is_told_and_mended(installation: Installation, client: httpx.Client) -> None:
    client.get(POINT)
    store = StoredFile(client.get(STATE).json()["store_url"])
    chunk = store / "0/elevation/c/0/0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    problem_in(client.get(POINT), 503, "pyramid-corrupt")
    assert client.get(POINT, headers={"Prefer": "wait=30"}).json()["elevation"] == 74
    assert generation_count(installation) == 2


def test_a_terrain_without_tiles_has_no_values(client: httpx.Client) -> None:
    client.post("/terrain", json={"name": "empty"})
    problem_in(client.get("/terrain/empty/elevation?row=0&col=0"), 409, "terrain-empty")
    problem_in(client.get("/terrain/nowhere/elevation?row=0&col=0"), 404, "terrain-not-found")


def test_while_the_first_build_goes_on_all_are_told_so(installation: Installation, hold: Hold) -> None:
    with open_client(installation, metrics=(METRICS,)) as client:
        add_golden(installation, client)
        asked = f"{POINT}&metric=held"
        problem_in(client.get(asked, headers=ASYNC), 503, "pyramid-pending")
        until(hold.has_begun)
        problem_in(client.get(asked, headers={"Prefer": "wait=0"}), 503, "pyramid-pending")
        hold.open()
        assert client.get(asked).json()["elevation"] == 74


def test_points_and_chunks_are_counted(installation: Installation) -> None:
    with open_client(installation) as client:
        add_golden(installation, client)
        points = [{"row": row, "col": 1} for row in range(9)]
        client.post("/terrain/golden/elevation", json={"points": points})
        assert figure(client, "ziggurat_values_total", what="points") == 9
        assert figure(client, "ziggurat_values_total", what="chunks") == 1


def test_where_building_takes_a_key_stale_values_need_none(installation: Installation) -> None:
    """And nothing is ordered for who may not order it."""
    with open_client(installation) as client:
        add_golden(installation, client)
        client.get(POINT)
        lower(installation, client)
    with open_client(installation, auth="keys", anonymous_build_cells=0) as closed:
        for _ in range(3):
            found = closed.get(POINT).json()
            assert (found["elevation"], found["state"]) == (74, "stale")
        assert closed.get(STATE).json()["state"] == "stale"
        problem_in(closed.get(f"{POINT}&metric=min"), 409, "build-needs-key")
