"""Hosts, origins, headers and sizes: what every request passes, whatever it asks for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from installations import Installation, make_installation
from rest import AppClient, open_client, problem_in, serve
from service.body_limits import LARGEST_BODY_BYTES
from service.schemas import MOST_TILES

ELSEWHERE = "https://elsewhere.example"
MAPS = "https://maps.example.org"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation, cors_origins=(MAPS,)) as client:
        yield client


# Hosts


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "localhost:8080", 200),
        ({}, "LOCALHOST", 200),
        ({}, "127.0.0.1:1", 200),
        ({}, "[::1]:8080", 200),
        ({}, "[::1]", 200),
        ({}, "rebound.example", 421),
        ({}, "localhost.rebound.example", 421),
        ({}, "", 421),
        ({"host": "127.0.0.2"}, "127.0.0.2", 200),
        ({"host": "0.0.0.0", "auth": "open"}, "any.example", 200),  # noqa: S104
        ({"allowed_hosts": ("*.example.org",)}, "a.b.example.org", 200),
        ({"allowed_hosts": ("*.example.org",)}, "example.org", 421),
        ({"allowed_hosts": ("*.example.org",)}, "evilexample.org", 421),
        ({"allowed_hosts": ("Terrains.Example",)}, "terrains.example:443", 200),
        ({"allowed_hosts": ("terrains.example",)}, "localhost", 421),
        ({"allowed_hosts": ("*",)}, "any.example", 200),
    ],
)
def test_a_service_answers_as_itself_only(
    installation: Installation, settings: dict[str, Any], host: str, status: int
) -> None:
    with open_client(installation, **{"allowed_hosts": (), **settings}) as client:
        answer = client.get("/terrain", headers={"Host": host})
        assert answer.status_code == status
        if status != 200:
            problem_in(answer, 421, "host-unknown")
        assert client.get("/health/live", headers={"Host": host}).status_code == 200


# Origins


@pytest.mark.parametrize(("origin", "allowed"), [(ELSEWHERE, "*"), (MAPS, MAPS), ("null", "*")])
def test_pages_of_any_origin_may_read_without_cookies(client: AppClient, origin: str, allowed: str) -> None:
    for path, status in (("/terrain", 200), ("/terrain/nowhere", 404)):
        answer = client.get(path, headers={"Origin": origin})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, allowed)
        assert "access-control-allow-credentials" not in answer.headers
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("origin", "method", "may"),
    [
        (ELSEWHERE, "GET", True),
        (MAPS, "GET", True),
        *((ELSEWHERE, method, False) for method in ("POST", "PATCH", "DELETE")),
        *((MAPS, method, True) for method in ("POST", "PATCH", "DELETE")),
        (MAPS + ".elsewhere.example", "POST", False),
        ("http://maps.example.org", "POST", False),
        ("null", "POST", False),
    ],
)
def test_pages_of_named_origins_may_write(client: AppClient, origin: str, method: str, may: bool) -> None:
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = client.request("OPTIONS", "/terrain", headers=preflight)
    assert answer.is_success == may


def test_refusals_can_be_read_by_pages_too(installation: Installation) -> None:
    with open_client(installation, auth="keys", cors_origins=(MAPS,)) as client:
        for origin, allowed in ((MAPS, MAPS), (ELSEWHERE, "*")):
            answer = client.post("/terrain", json={"name": "a"}, headers={"Origin": origin})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, allowed)


# Headers


@pytest.mark.parametrize(
    ("path", "status"),
    [("/terrain", 200), ("/nowhere", 404), ("/terrain?limit=0", 422), ("/openapi.json", 200)],
)
def test_answers_may_not_be_taken_for_pages(client: AppClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    if status >= 400:
        assert answer.headers["cache-control"] == "no-store"


def test_pages_keep_a_policy_of_their_own(client: AppClient) -> None:
    page = client.get("/docs")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in page.headers


def test_a_defect_is_answered_as_carefully(client: AppClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.routes.terrains.next_page", lambda request, cursor: 1 / 0)
    answer = client.get("/terrain")
    problem_in(answer, 500, "internal-error")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "division" not in answer.text


# Sizes and characters


def test_a_body_that_is_too_large_is_refused_whether_or_not_it_says_so(installation: Installation) -> None:
    piece = b" " * 2**20

    def pieces() -> Iterator[bytes]:
        for _ in range(LARGEST_BODY_BYTES // len(piece) + 1):
            yield piece

    with serve(installation) as address:
        for content in (b" " * (LARGEST_BODY_BYTES + 1), pieces()):
            answer = httpx.post(
                f"{address}/terrain", content=content, headers={"Content-Type": "application/json"}
            )
            assert problem_in(answer, 413, "body-too-large")["limit"] == LARGEST_BODY_BYTES


def test_a_declared_size_is_believed_before_anything_is_sent(installation: Installation) -> None:
    with serve(installation) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = f"POST /terrain HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: {10**15}\r\n\r\n{{".encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "path",
    [
        "/terrain?q=%00",
        "/terrain?q=a%00",
        "/terrain?after=%00",
        "/terrain?bbox=%00",
        "/terrain/alps/tile?after=%00",
        "/terrain/alps/pyramid/max/0?f=%00",
        f"/terrain?after={'a' * 501}",
        f"/terrain?q={'a' * 101}",
        f"/terrain?bbox={'1' * 201}",
        "/terrain?limit=1001",
        "/terrain?limit=1000000000000000000000000",
    ],
)
def test_parameters_no_database_could_take_are_refused(client: AppClient, path: str) -> None:
    assert client.post("/terrain", json={"name": "alps"}).status_code == 201
    problem_in(client.get(path), 422)


@pytest.mark.parametrize("path", ["/terrain/%00", "/terrain/a%00b/tile", "/terrain/alps/pyramid/max%00"])
def test_names_no_database_could_take_are_of_nothing(client: AppClient, path: str) -> None:
    assert client.post("/terrain", json={"name": "alps"}).status_code == 201
    problem_in(client.get(path), 404)


@pytest.mark.parametrize("bad", ["\x00", "a\x00b", "\ud800"], ids=["NUL", "NUL within", "lone surrogate"])
def test_text_no_database_could_take_is_refused(client: AppClient, bad: str) -> None:
    assert client.post("/terrain", json={"name": "alps"}).status_code == 201
    json = {"headers": {"Content-Type": "application/json"}}
    escaped = bad.encode("ascii", "backslashreplace").decode().replace("\x00", "\\u0000")
    for word in ("title", "description", "attribution", "license", "unit", "vertical_datum"):
        content = f'{{"{word}": "{escaped}"}}'
        problem_in(client.patch("/terrain/alps", content=content, **json), 422, "request-invalid")
    for body in (f'{{"name": "a", "crs": "{escaped}"}}', f'{{"name": "{escaped}"}}', f'{{"{escaped}": 1}}'):
        problem_in(client.post("/terrain", content=body, **json), 422, "request-invalid")
    tiles = f'{{"tiles": [{{"url": "{escaped}.npy", "x": 0, "y": 0}}]}}'
    problem_in(client.post("/terrain/alps/tile", content=tiles, **json), 422, "request-invalid")


@pytest.mark.parametrize(
    ("path", "content", "is_told"),
    [
        ("/terrain", dict.fromkeys(map(str, range(101)), 1), "not have more than 100 fields"),
        ("/terrain/alps/tile", {"tiles": [{}] * 1000}, "body.tiles.0.url"),
        ("/terrain/alps/tile", {"tiles": [dict.fromkeys(map(str, range(101)), 1)]}, "body.tiles.0"),
    ],
)
def test_a_body_that_is_all_wrong_is_told_so_once(
    client: AppClient, path: str, content: dict[str, Any], is_told: str
) -> None:
    assert client.post("/terrain", json={"name": "alps"}).status_code == 201
    problem = problem_in(client.post(path, json=content), 422, "request-invalid")
    assert len(problem["errors"]) == 1, "a body of 8 MiB would be answered with hundreds"
    assert is_told in problem["detail"]


def test_tiles_are_counted_before_anybody_looks_at_them(client: AppClient) -> None:
    assert client.post("/terrain", json={"name": "alps"}).status_code == 201
    many = client.post("/terrain/alps/tile", json={"tiles": [1] * (MOST_TILES + 1)})
    assert problem_in(many, 413, "registration-too-large")["limit"] == MOST_TILES


@pytest.mark.parametrize(
    ("path", "method", "may"),
    [
        ("/terrain/alps/elevation", "POST", True),
        ("/terrain/alps/profile", "POST", True),
        ("/v1/alps", "POST", True),
        ("/v1/alps", "DELETE", False),
        ("/terrain/alps/elevation/", "POST", False),
        ("/terrain/alps/tile", "POST", False),
    ],
)
def test_pages_of_any_origin_may_ask_what_is_too_long_for_an_address(
    client: AppClient, path: str, method: str, may: bool
) -> None:
    preflight = {
        "Origin": ELSEWHERE,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    assert client.request("OPTIONS", path, headers=preflight).is_success == may


@pytest.mark.parametrize(("origin", "method"), [(MAPS, "TRACE"), (ELSEWHERE, "POST"), ("'\"<x>", "<y>")])
def test_a_page_that_may_not_ask_is_told_so_in_a_problem(client: AppClient, origin: str, method: str) -> None:
    preflight = {"Origin": origin, "Access-Control-Request-Method": method}
    problem = problem_in(client.request("OPTIONS", "/terrain", headers=preflight), 400, "preflight-refused")
    assert (problem["origin"], problem["method"]) == (origin, method)
