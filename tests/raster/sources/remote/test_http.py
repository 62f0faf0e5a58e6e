"""What web servers answer, and where they send on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from yarl import URL

from raster.errors import SourceForbidden
from raster.sources.remote.http import HttpFetcher
from raster.sources.remote.policy import RemotePolicy
from raster.sources.remote.remote import RemoteSources
from web_server import WebServer, redirect, web_server


def test_a_redirect_to_a_host_that_is_not_allowed_is_not_followed(
    open_sources: Callable[..., RemoteSources], site: WebServer
) -> None:
    with web_server() as other:
        other.put("a.npy", b"secret")
        site.fault("a.npy", redirect(other.url("a.npy")))
        with pytest.raises(SourceForbidden) as told:
            open_sources(hosts=(site.host,)).open(site.url("a.npy"))
        assert str(other.port) not in told.value.reason
        assert other.asked == []


@pytest.mark.parametrize(
    "place",
    [
        "http://example.org/a", "s3://bucket/a", "file:///a", "//user@example.org/a", "https://example.org:81/a",
        "#fragment",
    ],
)  # fmt: skip
def test_a_redirect_leads_to_another_source_and_never_to_less_safety(place: str) -> None:
    fetcher = HttpFetcher(RemotePolicy(cache=Path("unused")))
    asked = URL("https://example.org/b")
    with pytest.raises(SourceForbidden):
        fetcher._follow("https://example.org/b", asked, place)


@pytest.mark.parametrize(
    ("place", "leads_to"),
    [
        ("a.tif", "https://example.org/deep/a.tif"),
        ("/a.tif?sig=b%2Fc", "https://example.org/a.tif?sig=b/c"),
        ("https://other.example.org/a.tif", "https://other.example.org/a.tif"),
    ],
)
def test_other_redirects_are_followed(place: str, leads_to: str) -> None:
    fetcher = HttpFetcher(RemotePolicy(cache=Path("unused")))
    asked = URL("https://example.org/deep/b")
    assert str(fetcher._follow(str(asked), asked, place)) == leads_to


def test_nothing_that_identifies_us_is_sent(
    sources: RemoteSources, site: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what the environment offers."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    sources.open(site.put("a.npy", b"cells"))
    (asked,) = site.asked
    assert set(asked.headers) == {"Host", "Accept", "Accept-Encoding", "User-Agent", "Range"}
    assert (asked.headers["User-Agent"], asked.headers["Accept-Encoding"]) == ("ziggurat", "identity")
