"""A catalogue of another version, or none: the service starts, says so, and serves once it is right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from catalog import schema
from catalogues import PostgresServer
from installations import Installation, make_installation
from rest import AppClient, open_client, problem_in

ASKING = [
    ("GET", "/terrain", None),
    ("POST", "/terrain", {"name": "alps"}),
    ("DELETE", "/terrain/alps", None),
    ("GET", "/terrain/alps/pyramid/max/0", None),
    ("POST", "/terrain/alps/tile", {"tiles": [{"url": "a.npy", "x": 0, "y": 0}]}),
]


def set_revision(installation: Installation, revision: str, *, known: str) -> None:
    """Another version has changed the schema: no session of this one would do it."""
    other = create_engine(installation.database_url)
    with other.begin() as connection:
        query = text("UPDATE alembic_version SET version_num = :new WHERE version_num = :known")
        assert connection.execute(query, {"new": revision, "known": known}).rowcount == 1
    other.dispose()


def assert_serves_nothing(client: AppClient, found: str) -> None:
    assert client.get("/health/live").status_code == 200
    for method, path, body in (("GET", "/health/ready", None), *ASKING):
        problem = problem_in(client.request(method, path, json=body), 503, "schema-outdated")
        assert (problem["found"], problem["expected"]) == (found, schema.expected_revision())
        assert "`ziggurat migrate`" in problem["detail"]


def test_a_service_with_another_schema_starts_and_says_so_until_it_is_right(
    installation: Installation,
) -> None:
    right = schema.expected_revision()
    with installation.house():
        set_revision(installation, "9999", known=right)
    with open_client(installation) as client:
        assert_serves_nothing(client, "9999")
        set_revision(installation, right, known="9999")
        assert client.get("/terrain").status_code == 200
        until_ready(client)


def until_ready(client: AppClient) -> None:
    """The schema is looked at every few seconds."""
    deadline = time.monotonic() + 60
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_serving_a_schema_that_is_another_warns(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    with installation.house():
        set_revision(installation, "9999", known=schema.expected_revision())
    with open_client(installation):
        assert "not ready: the catalogue's schema is at revision 9999" in caplog.text


def test_a_service_makes_the_tables_of_a_new_catalogue(tmp_path: Path, empty_catalogue_url: str) -> None:
    with open_client(make_installation(tmp_path, empty_catalogue_url)) as client:
        assert client.get("/health/ready").status_code == 200
        assert client.post("/terrain", json={"name": "alps"}).status_code == 201


def test_a_service_waits_for_a_server_that_is_away(tmp_path: Path, postgres: PostgresServer) -> None:
    with postgres.database() as url:
        name = url.partition("?")[0].rpartition("/")[2]
        postgres.execute(f"ALTER DATABASE {name} RENAME TO {name}_away")
        with open_client(make_installation(tmp_path, url)) as client:
            for path in ("/health/ready", "/terrain"):
                answer = client.get(path)
                problem_in(answer, 503, "catalog-unavailable")
                assert 1 <= int(answer.headers["retry-after"]) <= 5
            postgres.execute(f"ALTER DATABASE {name}_away RENAME TO {name}")
            assert client.get("/terrain").status_code == 200
            until_ready(client)
