"""Levels are served from the store alone, and what is damaged there is built anew."""

from __future__ import annotations

import numpy as np
import pytest
from starlette.testclient import TestClient

from installations import Installation
from rest import GOLDEN_LEVELS, problem_in

LEVEL = "/terrain/golden/pyramid/max"

pytestmark = pytest.mark.usefixtures("golden")


def test_the_second_request_opens_no_source(client: TestClient, installation: Installation) -> None:
    first = client.get(f"{LEVEL}/2")
    for tile in installation.tiles.iterdir():
        tile.unlink()
    for level, expected in enumerate(GOLDEN_LEVELS):
        assert client.get(f"{LEVEL}/{level}").json()["values"] == expected
    assert client.get(f"{LEVEL}/2").headers["etag"] == first.headers["etag"]


def test_a_client_that_has_the_window_gets_no_cells(client: TestClient, installation: Installation) -> None:
    etag = client.get(f"{LEVEL}/1").headers["etag"]
    for stored in (installation.folder / "pyramids").rglob("c/*/*"):
        stored.unlink()
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(f"{LEVEL}/1", headers={"If-None-Match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    problem_in(client.get(f"{LEVEL}/1", headers={"If-None-Match": '"x"'}), 503)


def test_a_source_that_is_gone_at_the_first_build_is_told(
    client: TestClient, installation: Installation
) -> None:
    (installation.tiles / "east.npy").unlink()
    for _ in range(2):
        assert problem_in(client.get(f"{LEVEL}/0"), 502)["source"] == "east.npy"
    state = client.get(LEVEL).json()
    assert (state["state"], state["failure"]["error"]) == ("failed", "SourceNotFound")
    np.save(installation.tiles / "east.npy", np.zeros((5, 3), np.int16))
    assert problem_in(client.get(f"{LEVEL}/0"), 409)["type"] == "/problems/source-changed"
    client.post("/terrain/golden/tile", json={"tiles": [{"url": "east.npy", "x": 4, "y": 0}]})
    assert client.get(f"{LEVEL}/-1").json()["values"] == [[87]]


def test_a_damaged_shard_is_never_nodata_and_the_next_request_builds_anew(
    client: TestClient, installation: Installation
) -> None:
    first = client.get(f"{LEVEL}/0").json()["generation"]
    for damaged in (installation.folder / "pyramids").rglob("0/elevation/c/0/0"):
        damaged.write_bytes(b"")
    answer = client.get(f"{LEVEL}/0")
    problem_in(answer, 503)
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert client.get(LEVEL).json()["state"] == "corrupt"
    after = client.get(f"{LEVEL}/0").json()
    assert after["values"] == GOLDEN_LEVELS[0]
    assert after["generation"] > first
