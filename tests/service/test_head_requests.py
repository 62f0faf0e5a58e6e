"""HEAD on a real connection: what GET says without its body, and the connection goes on."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from installations import make_installation
from rest import add_golden, open_client, serve

LEVEL = "/terrain/golden/pyramid/max/0"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPConnection]:
    """One connection for all tests: a body that should not be there would garble what comes after it."""
    installation = make_installation(Path(tmp_path_factory.mktemp("head")))
    with open_client(installation) as client:
        add_golden(installation, client)
    with serve(installation) as address:
        opened = HTTPConnection(urlsplit(address).netloc, timeout=30)
        opened.connect()
        opened.auto_open = 0
        yield opened
        opened.close()


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        (LEVEL, {}, 200),
        (f"{LEVEL}?f=npy", {}, 200),
        (LEVEL, {"If-None-Match": "*"}, 304),
        (LEVEL, {"Accept": "image/webp"}, 406),
        ("/terrain/golden/pyramid/max/9", {}, 404),
        ("/terrain", {}, 200),
        ("/nowhere", {}, 404),
        ("/openapi.json", {}, 200),
    ],
)
def test_head_says_what_get_says(
    connection: HTTPConnection, address: str, headers: dict[str, str], status: int
) -> None:
    heads = []
    for method in ("GET", "HEAD"):
        connection.request(method, address, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        changing = {"date", "x-request-id"}
        heads.append([(k.lower(), v) for k, v in answer.getheaders() if k.lower() not in changing])
        assert answer.status == status
        if method == "HEAD":
            assert body == b""
        elif status != 304:
            assert int(answer.headers["content-length"]) == len(body) > 0
    assert heads[0] == heads[1]
