"""The change rule: old values are never passed off as current, and an update is never an outage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from held_metric import METRICS, held_builds
from installations import Installation
from rest import add_golden, add_terrain, generation_count, hold_catalogue, problem_in, serve, until

STATE = "/terrain/golden/pyramid/max"
TOP = f"{STATE}/-1"
HELD = "/terrain/golden/pyramid/held"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def client(installation: Installation) -> Iterator[httpx.Client]:
    """A served installation with the golden terrain, built."""
    with serve(installation) as address, httpx.Client(base_url=address, timeout=30) as client:
        add_golden(installation, client)
        assert client.get(TOP).json()["values"] == [[87]]
        yield client


def raise_peak(installation: Installation, client: httpx.Client, peak: int = 99) -> None:
    """Register one more tile, whose cell is the terrain's highest."""
    np.save(installation.tiles / f"peak{peak}.npy", np.array([[peak]], dtype=np.int16))
    answer = client.post(
        "/terrain/golden/tile", json={"tiles": [{"url": f"peak{peak}.npy", "x": 0, "y": 0, "priority": peak}]}
    )
    assert answer.status_code == 201


def test_a_change_is_seen_by_the_next_request(installation: Installation, client: httpx.Client) -> None:
    raise_peak(installation, client)
    assert client.get(STATE).json()["state"] == "stale"
    body = client.get(TOP).json()
    assert (body["values"], body["state"]) == ([[99]], "ready")
    assert client.get(STATE).json()["state"] == "ready"
    tile = client.get("/terrain/golden/tile?row=0&col=0").json()["tiles"][-1]
    client.delete(f"/terrain/tile/{tile['id']}")
    assert client.get(TOP).json()["values"] == [[87]]
    assert generation_count(installation) == 3


def test_while_the_update_goes_on_old_values_are_given_and_called_stale(
    installation: Installation, client: httpx.Client
) -> None:
    fresh = client.get(TOP)
    raise_peak(installation, client)
    with hold_catalogue(installation):
        old = client.get(TOP, headers=ASYNC)
        assert (old.status_code, old.headers["ziggurat-state"]) == (200, "stale")
        assert (old.json()["values"], old.json()["state"]) == ([[87]], "stale")
        assert old.headers["etag"] != fresh.headers["etag"], "what is stale is another answer"
        assert client.get(f"{TOP}?f=npy", headers=ASYNC).headers["ziggurat-state"] == "stale"
        again = client.get(TOP, headers={**ASYNC, "If-None-Match": old.headers["etag"]})
        assert (again.status_code, again.headers["ziggurat-state"]) == (304, "stale")
        refused = client.get(f"{TOP}?stale=refuse", headers=ASYNC)
        assert (refused.status_code, refused.headers["location"]) == (202, STATE)
        assert refused.json()["state"] == "building"
        assert refused.json()["generation"] == fresh.headers["ziggurat-generation"]
    until_fresh(client)
    assert client.get(f"{TOP}?stale=refuse", headers=ASYNC).json()["values"] == [[99]]
    assert generation_count(installation) == 2


def until_fresh(client: httpx.Client) -> None:
    deadline = time.monotonic() + 30
    while client.get(STATE).json()["state"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_update_that_fails_leaves_the_old_values_in_use(
    installation: Installation, client: httpx.Client
) -> None:
    raise_peak(installation, client)
    (installation.tiles / "peak99.npy").unlink()
    old = client.get(TOP)
    assert (old.status_code, old.json()["values"], old.json()["state"]) == (200, [[87]], "stale")
    problem = problem_in(client.get(f"{TOP}?stale=refuse"), 502, "source-not-found")
    assert problem["source"] == "peak99.npy"
    state = client.get(STATE).json()
    assert (state["state"], state["failure"]["error"]) == ("stale", "SourceNotFound")
    problem_in(client.post(STATE, headers={"Prefer": "wait=20"}), 502, "source-not-found")


def test_a_terrain_that_changes_while_it_is_built_is_waited_for_again(installation: Installation) -> None:
    with (
        serve(installation, metrics=(METRICS,)) as address,
        httpx.Client(base_url=address, timeout=30) as client,
        held_builds(installation.folder) as hold,
        ThreadPoolExecutor() as pool,
    ):
        add_golden(installation, client)
        waiting = pool.submit(client.get, f"{HELD}/-1", headers={"Prefer": "wait=30"})
        until(hold.has_begun)  # it has read the terrain as it is
        raise_peak(installation, client)
        hold.open()
        body = waiting.result().json()
        assert (body["values"], body["state"]) == ([[99]], "ready")
        state, terrain = client.get(HELD).json(), client.get("/terrain/golden").json()
        assert state["revision"] == terrain["revision"]


def test_stale_cells_outside_the_terrain_as_it_was_are_not_made_up(
    installation: Installation, client: httpx.Client
) -> None:
    np.save(installation.tiles / "south.npy", np.full((1, 7), 5, dtype=np.int16))
    client.post("/terrain/golden/tile", json={"tiles": [{"url": "south.npy", "x": 0, "y": 5}]})
    with hold_catalogue(installation):
        assert client.get(f"{STATE}/0?row=5", headers=ASYNC).status_code == 202
        assert client.get(f"{STATE}/0?row=4&height=1", headers=ASYNC).json()["state"] == "stale"
    until_fresh(client)
    assert client.get(f"{STATE}/0?row=5", headers=ASYNC).json()["values"] == [[5] * 7]


def test_a_stale_level_that_is_larger_than_an_answer_may_be_is_none(installation: Installation) -> None:
    np.save(installation.tiles / "small.npy", np.array([[1, 2]], dtype=np.int16))
    np.save(installation.tiles / "large.npy", np.ones((8, 8), dtype=np.int16))
    tiles = [{"url": "small.npy", "x": 0, "y": 0}, {"url": "large.npy", "x": 0, "y": 0}]
    with (
        serve(installation, max_answer_cells=16) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        add_terrain(client, "golden", *tiles)
        assert client.get(f"{STATE}/-1").status_code == 200
        large = client.get("/terrain/golden/tile").json()["tiles"][1]
        client.delete(f"/terrain/tile/{large['id']}")
        with hold_catalogue(installation):
            assert client.get(f"{STATE}/0", headers=ASYNC).status_code == 202
            assert client.get(f"{STATE}/0?width=1&height=1", headers=ASYNC).json()["state"] == "stale"
        assert client.get(f"{STATE}/0").json()["values"] == [[1, 2]]


def test_a_pyramid_that_is_dropped_is_built_anew(installation: Installation, client: httpx.Client) -> None:
    before = client.get(TOP).headers["ziggurat-generation"]
    assert client.delete(STATE).status_code == 204
    assert client.get(STATE).json()["state"] == "absent"
    assert client.delete(STATE).status_code == 204
    after = client.get(TOP)
    assert (after.status_code, after.json()["values"]) == (200, [[87]])
    assert after.headers["ziggurat-generation"] != before


def test_words_that_a_pyramid_repeats_make_it_stale_and_others_do_not(
    installation: Installation, client: httpx.Client
) -> None:
    client.patch("/terrain/golden", json={"description": "a table", "unit": "m"})
    assert client.get(STATE).json()["state"] == "ready"
    client.patch("/terrain/golden", json={"unit": "ft"})
    assert client.get(STATE).json()["state"] == "stale"
    assert client.get(TOP).json()["unit"] == "ft"
