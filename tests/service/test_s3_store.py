"""Pyramids in a bucket of S3: built, served, verified, and open to everybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray

from installations import Installation
from make_small_terrains import GOLDEN
from rest import AppClient, add_golden, figure, open_client, problem_in, until
from s3_server import Rule, S3Server
from served import served

pytestmark = pytest.mark.long

LEVEL_1 = [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]]
LEVEL = "/terrain/golden/pyramid/max/1"
STATE = "/terrain/golden/pyramid/max"


@pytest.fixture
def store_url(bucket: str) -> str:
    return f"s3://{bucket}/pyramids"


@pytest.fixture
def client(installation: Installation, store_url: str) -> Iterator[AppClient]:
    """A service with the golden terrain, its pyramid not built yet. Each request reads the store anew."""
    with open_client(installation, store_url=store_url, chunk_cache=0) as client:
        add_golden(installation, client)
        yield client


def run(installation: Installation, store_url: str, *arguments: str) -> Any:
    """A command in a process of its own; its JSON."""
    with installation.start(*arguments, "--json", STORE_URL=store_url) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert "Unclosed" not in stderr
    return json.loads(stdout)


def test_processes_build_serve_and_verify_it_and_others_read_it(
    installation: Installation, store_url: str, s3: S3Server
) -> None:
    with served(installation, STORE_URL=store_url) as serving:
        add_golden(installation, serving.client)
        built = run(installation, store_url, "build", "golden")["pyramids"][0]
        assert built["store_url"].startswith(f"{store_url}/golden/max/g")
        s3.requests()
        answer = serving.client.get(LEVEL)
        assert (answer.status_code, answer.json()["values"]) == (200, LEVEL_1)
        cold = s3.counts()
        assert serving.client.get(f"{LEVEL}?row=1&height=1").json()["values"] == LEVEL_1[1:2]
        assert (cold, s3.counts()) == ({"GET": 3}, {})  # manifest, group, chunk, which is kept
        verdict = run(installation, store_url, "verify", "golden")
        assert [each["flaws"] for each in verdict["pyramids"]] == [[]]
    tree = xarray.open_datatree(built["store_url"], engine="zarr", consolidated=True)
    np.testing.assert_array_equal(tree["0/elevation"], np.array(GOLDEN))
    np.testing.assert_array_equal(tree["1/elevation"], np.array(LEVEL_1))
    tree.close()


def test_a_cold_request_builds_it_with_few_requests(
    client: AppClient, s3: S3Server, installation: Installation
) -> None:
    installation.needs_folders("counts requests of the store, and the tiles are there, too")
    s3.requests()
    answer = client.get(LEVEL)
    assert (answer.status_code, answer.json()["values"]) == (200, LEVEL_1)
    counts = s3.counts()
    # attempts to take over, the journal to forget, attempts to sweep
    assert counts["LIST"] == 3
    assert counts["DELETE"] == 1
    assert counts["GET"] == 3  # manifest, group, chunk
    assert counts.keys() == {"LIST", "DELETE", "GET", "PUT"}
    before = client.get(STATE).json()["generation"]
    client.patch("/terrain/golden", json={"unit": "km"})
    assert client.get(LEVEL).json()["generation"] != before


@pytest.mark.parametrize(
    "rule", [Rule("403", code="AccessDenied"), Rule("404", code="NoSuchBucket"), Rule("503")]
)
def test_a_store_that_fails_is_asked_for_later_and_is_no_damage(
    client: AppClient, s3: S3Server, rule: Rule
) -> None:
    assert client.get(LEVEL).status_code == 200
    s3.spoil(rule)
    answer = client.get(LEVEL)
    assert "s3://" not in str(problem_in(answer, 503, "store-unavailable"))
    assert answer.headers["retry-after"]
    assert client.get(STATE).json()["state"] == "ready"
    assert client.get("/health/ready").status_code == 200
    s3.spoil(Rule(rule.fault, times=1, code=rule.code) if rule.fault == "503" else Rule("503", times=0))
    assert client.get(LEVEL).json()["values"] == LEVEL_1
    assert figure(client, "ziggurat_store_reads_total", outcome="corrupt") == 0


@pytest.mark.parametrize("key", ["1/elevation/c/0/0", "zarr.json"])
@pytest.mark.parametrize("damage", ["gone", "short"])
def test_lost_bytes_are_made_anew(
    installation: Installation, client: AppClient, s3: S3Server, store_url: str, key: str, damage: str
) -> None:
    client.post(STATE)
    until(lambda: client.get(STATE).json()["state"] == "ready")
    lose(s3, f"{client.get(STATE).json()['store_url']}/{key}", damage)
    answer = client.get(LEVEL)
    problem_in(answer, 503, "pyramid-corrupt")
    assert client.get(STATE).json()["state"] != "corrupt", "it was ordered at once"
    until(lambda: client.get(STATE).json()["state"] == "ready")
    assert client.get(LEVEL).json()["values"] == LEVEL_1


def test_lost_bytes_that_cannot_be_made_anew_now_are_made_later(client: AppClient, s3: S3Server) -> None:
    client.get(LEVEL)
    lose(s3, f"{client.get(STATE).json()['store_url']}/1/elevation/c/0/0", "gone")
    s3.spoil(Rule("503", method="PUT", key="elevation"))
    problem_in(client.get(LEVEL), 503, "pyramid-corrupt")
    answer = client.get(LEVEL)
    problem_in(answer, 503, "store-unavailable")
    assert answer.headers["retry-after"]
    s3.spoil()
    assert client.post(STATE, headers={"Prefer": "wait=30"}).json()["state"] == "ready"
    assert client.get(LEVEL).json()["values"] == LEVEL_1


def lose(s3: S3Server, url: str, damage: str) -> None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    store = s3.client()
    data = store.get_object(Bucket=bucket, Key=key)["Body"].read()
    if damage == "gone":
        store.delete_object(Bucket=bucket, Key=key)
    else:
        store.put_object(Bucket=bucket, Key=key, Body=data[:-1])


def test_a_build_that_cannot_write_is_tried_again(client: AppClient, s3: S3Server, store_url: str) -> None:
    s3.spoil(Rule("503", method="PUT", key="elevation"))
    problem_in(client.get(f"{LEVEL}"), 503, "store-unavailable")
    failure = client.get(STATE).json()["failure"]
    assert (failure["error"], failure["transient"]) == ("StoreUnavailable", True)
    assert store_url not in str(failure)
    s3.spoil()
    assert client.post(STATE, headers={"Prefer": "wait=30"}).json()["state"] == "ready"
    assert client.get(LEVEL).json()["values"] == LEVEL_1
    bucket, _, prefix = store_url.removeprefix("s3://").partition("/")
    listed = s3.client().list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert len({each["Key"].split("/")[3].split(".")[0] for each in listed} - {"latest"}) == 1
