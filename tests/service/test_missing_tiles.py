"""Builds whose tiles cannot be had: they fail and tell which, or go on without these and say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from foreign import npy, sources
from installations import Installation, make_installation
from rest import AppClient, add_terrain, open_client, problem_in
from web_server import WebServer, status, web_server

STATE = "/terrain/alps/pyramid/max"
WAIT = {"Prefer": "wait=30"}


def cells(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-400, 4000, (40, 30), np.int16)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def site() -> Iterator[WebServer]:
    with web_server() as site:
        yield site


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation, sources=sources(installation.folder)) as client:
        yield client


def test_a_build_goes_on_without_what_cannot_be_had(
    client: AppClient, site: WebServer, installation: Installation
) -> None:
    for seed, name in enumerate("ab"):
        np.save(installation.tiles / f"{name}.npy", cells(seed))
    urls = [site.put(f"{name}.npy", npy(cells(2 + at))) for at, name in enumerate("cd")]
    add_terrain(
        client,
        "alps",
        *({"url": url, "x": 30 * at, "y": 0} for at, url in enumerate(["a.npy", "b.npy", *urls])),
    )
    (installation.tiles / "b.npy").unlink()
    site.fault("d.npy", status(403), ...)
    problem_in(client.post(STATE, headers=WAIT), 502)
    answer = client.post(f"{STATE}?on_missing=mask", headers=WAIT)
    assert answer.status_code == 200, answer.text
    state = answer.json()
    assert (state["state"], state["missing_tile_count"]) == ("ready", 2)
    assert [(each["source"], each["col"], each["kind"]) for each in state["missing_tiles"]] == [
        ("b.npy", 30, "SourceNotFound"),
        (urls[1], 90, "SourceUnreachable"),
    ]
    found = client.get(f"{STATE}/0").json()
    expected = np.full((40, 120), None, object)
    expected[:, :30], expected[:, 60:90] = cells(0), cells(2)
    assert np.array_equal(np.array(found["values"], object), expected)
