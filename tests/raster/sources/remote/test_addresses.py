"""Which URLs may be sources, and which addresses may be connected to."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from raster.errors import SourceForbidden, SourceRefused
from raster.sources.remote.addresses import check_url
from raster.sources.remote.guard import Guard
from raster.sources.remote.policy import RemotePolicy, S3Access

ANYWHERE = RemotePolicy(cache=Path("unused"), hosts=("*", "*:*"))


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://example.org/a.tif", "https://example.org/a.tif"),
        ("HTTPS://Example.ORG:443/a.tif", "https://example.org/a.tif"),
        ("https://example.org:8443/a.tif?X-Sig=a%2Fb", "https://example.org:8443/a.tif?X-Sig=a/b"),
        ("https://münchen.example/ü.tif", "https://xn--mnchen-3ya.example/%C3%BC.tif"),
        ("http://203.0.113.7/a.tif", "http://203.0.113.7/a.tif"),
        ("http://[2001:db8::1]/a.tif", "http://[2001:db8::1]/a.tif"),
        ("s3://a-bucket/deep/ü%20.tif", "s3://a-bucket/deep/ü%20.tif"),
    ],
)
def test_one_source_has_one_name(url: str, canonical: str) -> None:
    assert check_url(ANYWHERE, url).url == canonical
    assert check_url(ANYWHERE, canonical).url == canonical


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/a.tif", "file:///a.tif", "hf://bucket/a.tif", "data:text/plain,x", "javascript:x",
        "simplecache::https://example.org/a.tif", "zip://a.tif::https://example.org/a.zip",
        "https://example.org/a.zip::b.tif", "http:example.org/a.tif", "http:/example.org/a.tif",
        "https://user@example.org/a.tif", "https://user:secret@example.org/a.tif", "https://@example.org/a",
        "https://example.org/a.tif#b", "https://example.org\\@inside/a.tif", "https://example.org/a b.tif",
        "https://example.org/\x00.tif", "https://example.org/a\n.tif", "https:///a.tif", "https://",
        "http://2130706433/a", "http://0x7f000001/a", "http://017700000001/a", "http://127.1/a",
        "http://0177.0.0.1/a", "http://127.0.0.01/a", "http://1.2.3.4.5/a", "http://example.org:99999/a",
        "http://[::1/a", "http://a..b/", "http://example.org./a", "s3://bucket", "s3://bucket/",
        "s3://Bucket_1/a", "s3:///a",
        "s3://bucket/a?versionId=1", "https://example.org/" + "a" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused(url: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        check_url(ANYWHERE, url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "url", "is_allowed"),
    [
        ((), "https://example.org/a", True),
        ((), "https://example.org:8443/a", False),
        (("example.org",), "http://example.org/a", True),
        (("example.org",), "https://example.org:80/a", False),
        (("example.org",), "https://www.example.org/a", False),
        (("*.example.org",), "https://www.example.org/a", True),
        (("*.example.org",), "https://example.org.evil.net/a", False),
        (("example.org:8443",), "https://example.org:8443/a", True),
        (("example.org:*",), "https://example.org:1/a", True),
        (("[2001:db8::1]:81",), "http://[2001:db8::1]:81/a", True),
    ],
)
def test_hosts_are_those_of_the_list(hosts: tuple[str, ...], url: str, is_allowed: bool) -> None:
    policy = RemotePolicy(cache=Path("unused"), hosts=hosts)
    if is_allowed:
        check_url(policy, url)
    else:
        with pytest.raises(SourceForbidden):
            check_url(policy, url)


def test_schemes_and_buckets_are_those_of_the_policy() -> None:
    policy = RemotePolicy(cache=Path("unused"), schemes=frozenset({"s3"}), buckets=("open-*",))
    check_url(policy, "s3://open-data/a.tif")
    for url in ("s3://closed/a.tif", "https://example.org/a.tif"):
        with pytest.raises(SourceForbidden):
            check_url(policy, url)


def test_access_is_that_of_the_longest_beginning() -> None:
    one, two = S3Access(profile="one"), S3Access(profile="two")
    policy = RemotePolicy(cache=Path("unused"), access={"s3://bucket": one, "s3://bucket/deep/": two})
    assert policy.access_to("s3://bucket/a") is one
    assert policy.access_to("s3://bucket/deep/a") is two
    assert policy.access_to("s3://bucket-of-others/a") == S3Access()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254",  # noqa: S104
        "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "fc00::1",
        "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1", "5f00::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not Guard(()).allows(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "::ffff:93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert Guard(()).allows(address)


def test_networks_that_are_named_are_allowed_and_no_others() -> None:
    guard = Guard((ip_network("10.1.0.0/16"), ip_network("fd00::/8")))
    assert guard.allows("10.1.2.3")
    assert guard.allows("::ffff:10.1.2.3")
    assert guard.allows("fd12::1")
    assert not guard.allows("10.2.0.1")
    assert not guard.allows("::1")
