"""Addresses that lead to where nobody should be led."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from foreign import npy, reason_of, register, sources
from installations import Installation
from rest import AppClient, open_client, problem_in
from web_server import WebServer, redirect, web_server

NAMES_OF_LOOPBACK = (
    "127.0.0.1", "127.0.0.1.", "127.9.9.9", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]",
    "0.0.0.0",  # noqa: S104
    "0", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1",
    "127.000.000.001", "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "%31%32%37.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::1%25lo]",
    "user@127.0.0.1", "user:pass@127.0.0.1", "example.org@127.0.0.1", "127.0.0.1#@example.org",
    "127.0.0.1\\@example.org", "example.org\\@127.0.0.1", "127.0.0.1%00.example.org", "127.0.0.1\t",
)  # fmt: skip

OTHERS_INSIDE = (
    "http://169.254.169.254/latest/meta-data/a.npy", "http://[fd00:ec2::254]/a.npy", "http://10.0.0.1/a.npy",
    "http://192.168.0.1/a.npy", "http://172.16.0.1/a.npy", "http://100.100.100.200/a.npy",
    "http://[fe80::1]/a.npy", "http://[fec0::1]/a.npy", "http://[fc00::1]/a.npy", "http://224.0.0.1/a.npy",
    "http://255.255.255.255/a.npy", "http://[64:ff9b::a9fe:a9fe]/a.npy", "http://192.0.0.8/a.npy",
)  # fmt: skip


@pytest.fixture
def canary() -> Iterator[WebServer]:
    """Inside: nobody may come by."""
    with web_server("127.0.0.2") as canary:
        canary.put("a.npy", npy(np.full((2, 2), 4242, np.int16)))
        yield canary


def test_row_34_no_spelling_of_an_inner_address_is_connected_to(installation: Installation) -> None:
    nowhere = sources(installation.folder, networks=[])
    with web_server() as canary, open_client(installation, sources=nowhere) as client:
        canary.put("a.npy", npy(np.full((2, 2), 4242, np.int16)))
        urls = [f"http://{name}:{canary.port}/a.npy" for name in NAMES_OF_LOOPBACK] + list(OTHERS_INSIDE)
        problem = problem_in(register(client, *urls), 422, "registration-refused")
        assert len(problem["errors"]) == len(urls)
        refused = {"/problems/source-refused", "/problems/source-forbidden"}
        assert [error for error in problem["errors"] if error["type"] not in refused] == []
        assert "4242" not in str(problem)
        assert canary.asked == []


def test_row_34_a_network_that_is_named_is_connected_to(client: AppClient, site: WebServer) -> None:
    url = site.put("a.npy", npy(np.ones((2, 2), np.int16)))
    assert register(client, url).status_code == 201
    assert site.asked


def test_row_35_a_redirect_leads_nowhere_inside(
    client: AppClient, site: WebServer, canary: WebServer
) -> None:
    for place in (canary.url("a.npy"), f"//{canary.host}/a.npy", "file:///etc/hostname", "s3://bucket/a.npy"):
        site.fault("a.npy", redirect(place))
        kind, reason = reason_of(register(client, site.url("a.npy")))
        assert kind == "source-forbidden"
        assert "127.0.0.2" not in reason
    assert canary.asked == []


def test_row_35_redirects_are_followed_and_counted(client: AppClient, site: WebServer) -> None:
    site.put("a.npy", npy(np.ones((2, 2), np.int16)))
    site.fault("b.npy", redirect("a.npy"))
    assert register(client, site.url("b.npy")).status_code == 201
    site.fault("c.npy", redirect("c.npy"), ...)
    assert reason_of(register(client, site.url("c.npy")))[0] == "source-unreachable"
    assert [asked.path for asked in site.asked] == ["/b.npy", "/a.npy", *["/c.npy"] * 4]


def test_row_35_a_name_is_judged_by_where_it_leads_when_it_is_connected_to(
    client: AppClient, site: WebServer, canary: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads_to = ["127.0.0.1", "127.0.0.2", "127.0.0.2"]
    resolve = socket.getaddrinfo

    def resolve_some(host: str, *rest: Any, **more: Any) -> Any:
        return resolve(leads_to.pop(0) if host.startswith("rebind") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_some)
    site.put("a.npy", npy(np.ones((2, 2), np.int16)))
    assert register(client, f"http://rebind-1.example:{site.port}/a.npy").status_code == 201
    kind, _ = reason_of(register(client, f"http://rebind-2.example:{canary.port}/a.npy"))
    assert kind == "source-forbidden"
    assert canary.asked == []


def test_row_36_nothing_is_read_but_files_below_the_root_and_urls_of_three_schemes(
    client: AppClient, installation: Installation
) -> None:
    secret = installation.folder / "secret.npy"
    np.save(secret, np.full((2, 2), 4242, np.int16))
    (installation.tiles / "link.npy").symlink_to(secret)
    urls = [
        str(secret), f"file://{secret}", f"file:{secret}", f"local://{secret}", f"FILE://{secret}",
        f"simplecache::file://{secret}", f"async_wrapper::file://{secret}", f"zip://a.npy::file://{secret}",
        f"reference://x::{secret}", f"blockcache::{secret}", "data:text/plain,a.npy", "memory://a.npy",
        "../secret.npy", "link.npy", f"/vsicurl/http://127.0.0.1/{secret}", f"dir://{secret}",
        f"https://example.org::file://{secret}", f"http://127.0.0.1::80/{secret}", "github://o:r@/a.npy",
    ]  # fmt: skip
    answer = register(client, *urls)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == len(urls)
    assert "4242" not in answer.text
