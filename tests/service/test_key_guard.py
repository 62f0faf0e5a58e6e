"""Where keys are required: who may do what, and what those are told who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from catalog.column_types import utc_now
from catalog.models import ApiKey
from catalog.repository import keys
from catalog.repository.keys import Scope
from held_metric import METRICS, held_builds
from installations import Installation
from rest import AppClient, add_golden, generation_count, hold_catalogue, open_client, problem_in, until
from service.app import create_app
from service.key_guard import kept_private, scope_needed
from service.keys import issue_key

CELLS = 35
"""Of the golden terrain."""


@pytest.fixture
def installation(installation: Installation) -> Installation:
    """The golden terrain, nothing built."""
    with open_client(installation) as client:
        add_golden(installation, client)
    return installation


@pytest.fixture
def closed(installation: Installation) -> Iterator[AppClient]:
    """A service that requires keys, and has nothing built for those without."""
    with open_client(
        installation, auth="keys", anonymous_build_cells=CELLS - 1, metrics=(METRICS,)
    ) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def holder(installation: Installation, scope: Scope, lifetime: timedelta | None = None) -> dict[str, str]:
    """The header of a new key."""
    with installation.house() as house:
        return bearer(issue_key(house, "test", scope, lifetime).text)


def prefix_of(header: dict[str, str]) -> str:
    return header["Authorization"].removeprefix("Bearer ").partition(".")[0]


def kept(installation: Installation, prefix: str) -> ApiKey:
    with installation.house() as house, house.database.read() as session:
        key = keys.find_key(session, prefix)
    assert key is not None
    return key


REQUESTS: dict[Scope, list[tuple[str, str, dict[str, Any]]]] = {
    Scope.READ: [
        ("GET", "/terrain", {}),
        ("HEAD", "/terrain/golden", {}),
        ("GET", "/terrain/golden/pyramid/max", {}),
        ("GET", "/terrain/tile/1/stats", {}),
    ],
    Scope.BUILD: [
        ("POST", "/terrain/golden/pyramid/max", {"headers": {"Prefer": "wait=30"}}),
        ("DELETE", "/terrain/golden/pyramid/max/build", {}),
    ],
    Scope.WRITE: [
        ("POST", "/terrain", {"json": {"name": "alps"}}),
        ("PATCH", "/terrain/golden", {"json": {"title": "Gold"}}),
        ("POST", "/terrain/golden/tile", {"json": {"tiles": [{"url": "west.npy", "x": 0, "y": 0}]}}),
        ("PATCH", "/terrain/tile/1", {"json": {"priority": 1}}),
        ("DELETE", "/terrain/golden/pyramid/max", {}),
        ("DELETE", "/terrain/tile/1", {}),
        ("DELETE", "/terrain/golden", {}),
    ],
}


QUERIES = {
    ("POST", "/terrain/{}/elevation"): {"points": [{"row": 0, "col": 0}]},
    ("POST", "/v1/{}"): {"locations": "1,2"},
    ("POST", "/terrain/{}/profile"): {"line": [{"row": 0, "col": 0}, {"row": 4, "col": 6}]},
}
"""What only asks, in a body because it is long."""


def test_the_examples_are_all_that_is_not_reading(installation: Installation) -> None:
    described = create_app(installation.settings()).openapi()["paths"]
    real = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, item in described.items()
        for method in item
    }
    asked = {
        (method, re.sub(r"golden|\b1\b", "{}", path).replace("/max", "/{}"))
        for scope in (Scope.BUILD, Scope.WRITE)
        for method, path, _ in REQUESTS[scope]
    }
    assert {route for route in real if route[0] not in {"GET", "HEAD"}} - QUERIES.keys() == asked


def test_a_question_in_a_body_is_reading(installation: Installation, closed: AppClient) -> None:
    for (_, path), body in QUERIES.items():
        assert closed.post(path.format("golden"), json=body).json()["type"] == "/problems/build-needs-key"
    key = holder(installation, Scope.BUILD)
    for (_, path), body in QUERIES.items():
        answer = closed.post(path.format("golden"), json=body, headers=key)
        # golden has no CRS, and these clients know nothing but degrees
        assert answer.is_success or answer.json()["type"] == "/problems/place-unknown"


@pytest.mark.parametrize(
    ("held", "granted"),
    [
        (None, {Scope.READ}),
        (Scope.READ, {Scope.READ}),
        (Scope.BUILD, {Scope.READ, Scope.BUILD}),
        (Scope.WRITE, {Scope.READ, Scope.BUILD, Scope.WRITE}),
    ],
)
def test_a_key_may_do_what_its_scope_says_and_no_more(
    installation: Installation, closed: AppClient, held: Scope | None, granted: set[Scope]
) -> None:
    header = {} if held is None else holder(installation, held)
    for needed, requests in REQUESTS.items():
        for method, path, options in requests:
            given = {**options, "headers": options.get("headers", {}) | header}
            answer = closed.request(method, path, **given)
            if needed in granted:
                assert answer.is_success, (method, path, answer.text)
            elif held is None:
                problem = problem_in(answer, 401, "key-missing")
                assert problem["needed"] == needed
                assert answer.headers["www-authenticate"].startswith("Bearer ")
            else:
                problem = problem_in(answer, 403, "scope-missing")
                assert (problem["held"], problem["needed"]) == (held, needed)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PURGE"])
def test_what_the_guard_does_not_know_is_writing(closed: AppClient, method: str) -> None:
    problem_in(closed.request(method, "/nowhere"), 401)
    assert scope_needed(method, "/terrain/golden/pyramid/max") is Scope.WRITE


def test_where_reading_takes_a_key_only_health_and_description_do_not(installation: Installation) -> None:
    header = holder(installation, Scope.READ)
    with open_client(installation, auth="keys", public_reading=False) as client:
        for path in ("/terrain", "/terrain/golden/pyramid/max/0", "/nowhere"):
            assert problem_in(client.get(path), 401)["needed"] == Scope.READ
        for path in ("/health/live", "/health/ready", "/docs", "/openapi.json"):
            assert client.get(path).status_code == 200
        read = client.get("/terrain", headers=header)
        assert (read.status_code, read.headers["cache-control"]) == (200, "private, no-cache")


def test_no_cache_may_keep_for_all_what_takes_a_key() -> None:
    for said, becomes in {
        "": "private",
        "public, max-age=31536000, immutable": "private, max-age=31536000, immutable",
        "Public": "private",
        "private": "private",
        "max-age=1,s-maxage=9": "private, max-age=1",
        "no-store": "private, no-store",
    }.items():
        assert kept_private(said) == becomes


@pytest.mark.parametrize("settings", [{"auth": "open", "host": "0.0.0.0"}, {"auth": "auto"}])  # noqa: S104
def test_an_open_service_looks_at_no_key(installation: Installation, settings: dict[str, Any]) -> None:
    with open_client(installation, **settings) as client:
        assert client.post("/terrain", json={"name": "alps"}, headers=bearer("nonsense")).status_code == 201


WRONG = {
    "of another time": f"zig_{'0' * 12}.{'a' * 43}",
    "empty": "",
    "without a secret": f"zig_{'0' * 12}",
    "with a NUL": f"zig_{'0' * 11}%00.{'a' * 43}",
    "a token of something else": "eyJhbGciOiJub25lIn0.eyJzY29wZSI6IndyaXRlIn0.",
    "very long": "a" * 10_000,
}


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_key_is_refused_even_where_none_is_needed(closed: AppClient, key: str) -> None:
    for method in ("GET", "POST"):
        answer = closed.request(method, "/terrain", headers=bearer(key))
        problem_in(answer, 401, "key-unknown")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_the_prefix_alone_or_with_another_secret_opens_nothing(
    installation: Installation, closed: AppClient
) -> None:
    prefix = prefix_of(holder(installation, Scope.WRITE))
    other = holder(installation, Scope.WRITE)["Authorization"].partition(".")[2]
    for secret in (other, "a" * 43, kept(installation, prefix).secret_sha256):
        problem_in(closed.post("/terrain", json={"name": "a"}, headers=bearer(f"{prefix}.{secret}")), 401)


def test_a_revoked_key_is_refused_from_the_next_request_on(
    installation: Installation, closed: AppClient
) -> None:
    header = holder(installation, Scope.WRITE)
    assert closed.post("/terrain", json={"name": "alps"}, headers=header).status_code == 201
    assert installation.run("key", "revoke", prefix_of(header)).code == 0
    problem_in(closed.post("/terrain", json={"name": "ural"}, headers=header), 401, "key-unknown")


def test_an_expired_key_is_told_since_when(installation: Installation, closed: AppClient) -> None:
    header = holder(installation, Scope.WRITE, timedelta(seconds=-1))
    problem = problem_in(closed.post("/terrain", json={"name": "a"}, headers=header), 401, "key-expired")
    assert problem["prefix"] == prefix_of(header)


def test_credentials_of_another_kind_are_not_ours(closed: AppClient) -> None:
    header = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert closed.get("/terrain", headers=header).status_code == 200
    problem_in(closed.post("/terrain", json={"name": "a"}, headers=header), 401, "key-missing")


def test_who_may_not_is_told_before_the_body_is_read(closed: AppClient) -> None:
    problem_in(closed.post("/terrain", content=b"{" * 2**24), 401)


def test_the_secret_is_nowhere_in_the_catalogue(installation: Installation, closed: AppClient) -> None:
    header = holder(installation, Scope.WRITE)
    assert closed.post("/terrain", json={"name": "alps"}, headers=header).status_code == 201
    secret = header["Authorization"].partition(".")[2]
    with installation.house() as house, house.database.read() as session:
        (kept,) = session.execute(text("SELECT * FROM api_key")).all()
    assert prefix_of(header) in kept
    assert secret not in str(kept)
    # what was deleted or overwritten would be found, too; of a server only the rows are ours to see
    files = installation.folder.glob("catalog.db*")
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_a_catalogue_that_cannot_be_read_lets_nobody_write(
    installation: Installation, closed: AppClient
) -> None:
    header = holder(installation, Scope.WRITE)
    with installation.house() as house, house.database.write() as session:
        session.execute(text("ALTER TABLE api_key RENAME TO other"))
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer = closed.post("/terrain", json={"name": "alps"}, headers=header)
    problem_in(answer, 503, "schema-outdated")
    assert "retry-after" in answer.headers


# Last use


def test_the_use_of_a_key_is_noted_once_an_hour(installation: Installation, closed: AppClient) -> None:
    header = holder(installation, Scope.READ)
    closed.get("/terrain", headers=header)
    first = kept(installation, prefix_of(header)).last_used_at
    assert first is not None
    assert timedelta() <= utc_now() - first < timedelta(minutes=5)
    closed.get("/terrain", headers=header)
    assert kept(installation, prefix_of(header)).last_used_at == first


def test_a_busy_catalogue_does_not_keep_a_reader_from_reading(
    installation: Installation, closed: AppClient, caplog: pytest.LogCaptureFixture
) -> None:
    header = holder(installation, Scope.READ)
    with hold_catalogue(installation):
        assert closed.get("/terrain", headers=header).status_code == 200
    assert f"the use of key {prefix_of(header)} was not noted" in caplog.text
    assert kept(installation, prefix_of(header)).last_used_at is None


# Builds


def test_a_large_cold_level_is_a_conflict_that_names_state_and_order(
    installation: Installation, closed: AppClient
) -> None:
    level = "/terrain/golden/pyramid/max/1"
    for header in ({}, holder(installation, Scope.READ)):
        problem = problem_in(closed.get(level, headers=header), 409, "build-needs-key")
        assert (problem["state"], problem["cell_count"], problem["limit"]) == ("absent", CELLS, CELLS - 1)
        assert problem["order"] == "/terrain/golden/pyramid/max"
        assert "POST /terrain/golden/pyramid/max" in problem["detail"]
    assert generation_count(installation) == 0
    assert closed.get(level, headers=holder(installation, Scope.BUILD)).json()["state"] == "ready"
    assert closed.get(level).json()["state"] == "ready"


def test_a_small_cold_level_is_built_for_whoever_asks(installation: Installation) -> None:
    with open_client(installation, auth="keys", anonymous_build_cells=CELLS) as client:
        assert client.get("/terrain/golden/pyramid/max/1").json()["values"][0] == [62, 37, 66, 36]


def test_a_stale_pyramid_is_answered_as_stale_unless_that_is_refused(
    installation: Installation, closed: AppClient
) -> None:
    writer = holder(installation, Scope.WRITE)
    level = "/terrain/golden/pyramid/max/0"
    assert closed.get(level, headers=writer).json()["state"] == "ready"
    np.save(installation.tiles / "south.npy", np.ones((1, 7), np.int16))
    south = {"tiles": [{"url": "south.npy", "x": 0, "y": 5}]}
    assert closed.post("/terrain/golden/tile", json=south, headers=writer).status_code == 201
    answer = closed.get(level)
    assert (answer.json()["state"], answer.headers["ziggurat-state"]) == ("stale", "stale")
    for path in (f"{level}?stale=refuse", f"{level}?row=5"):
        assert problem_in(closed.get(path), 409, "build-needs-key")["state"] == "stale"
    assert generation_count(installation) == 1


def test_whoever_comes_may_wait_for_a_build_that_is_under_way(
    installation: Installation, closed: AppClient
) -> None:
    header, pyramid = holder(installation, Scope.BUILD), "/terrain/golden/pyramid/held"
    with held_builds(installation.folder) as hold:
        ordered = closed.post(pyramid, headers=header)
        assert ordered.status_code == 202
        until(hold.has_begun)
        waited = closed.get(f"{pyramid}/1", headers={"Prefer": "respond-async"})
        assert (waited.status_code, waited.json()["state"]) == (202, "building")
        hold.open()
        assert closed.get(f"{pyramid}/1", headers={"Prefer": "wait=30"}).status_code == 200
