"""The setting of sources by URL, and sources by URL on the command line."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest

from foreign import npy
from installations import Installation
from raster.sources.remote.policy import RemotePolicy, S3Access
from s3_server import S3Server
from service.settings import Settings
from web_server import WebServer

CELLS = np.arange(12, dtype=np.int16).reshape(3, 4)


def test_without_it_public_addresses_are_taken_anonymously() -> None:
    assert Settings().sources.policy() == RemotePolicy(cache=Path("data/cache").absolute())


def test_all_of_it_is_in_the_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {
        "schemes": ["https", "s3"],
        "hosts": ["Data.example.org", "*.tiles.example.org:8443"],
        "buckets": ["open-*"],
        "networks": ["10.20.0.0/16", "fd00::/8"],
        "access": {"s3://lab/": {"endpoint": "https://minio.example.org", "profile": "lab"}},
        "others": {"gs": {"token": "anon"}},
        "cache": str(tmp_path),
        "cache_bytes": "20GiB",
        "max_bytes": "1GiB",
        "timeout_s": 3,
        "attempts": 1,
    }
    monkeypatch.setenv("ZIGGURAT_SOURCES", json.dumps(said))
    policy = Settings().sources.policy()
    assert policy.schemes == {"https", "s3"}
    assert policy.hosts == ("data.example.org", "*.tiles.example.org:8443")
    assert policy.networks == (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert policy.access == {"s3://lab/": S3Access(endpoint="https://minio.example.org", profile="lab")}
    assert (policy.cache, policy.cache_bytes, policy.largest_bytes) == (tmp_path, 20 * 2**30, 2**30)
    assert policy.others == {"gs": {"token": "anon"}}
    patience = policy.patience
    assert (patience.answer_s, patience.connect_s, patience.silence_s, patience.attempts) == (3, 3, 3, 1)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("{", "ZIGGURAT_SOURCES: this is not JSON"),
        ('{"host": ["a"]}', "ZIGGURAT_SOURCES: host: Extra inputs"),
        ('{"networks": ["10.0.0.1/8"]}', "ZIGGURAT_SOURCES: networks: 0"),
        ('{"schemes": ["ftp"]}', "ZIGGURAT_SOURCES: schemes"),
        ('{"access": {"https://a": {}}}', "is not the beginning of an s3:// URL"),
        ('{"others": {"file": {}}}', "'file' is none of gs, gcs, az, abfs, oss"),
        ('{"cache_bytes": 5}', "ZIGGURAT_SOURCES: cache_bytes"),
    ],
)
def test_what_is_wrong_with_it_is_told(installation: Installation, said: str, complaint: str) -> None:
    told = installation.run("list", SOURCES=said)
    assert told.code == 2
    assert complaint in told.complaint


def test_commands_take_urls(installation: Installation, site: WebServer) -> None:
    allowed = json.dumps(
        {"hosts": [site.host], "networks": ["127.0.0.0/8"], "cache": str(installation.folder / "cache")}
    )
    url = site.put("a.npy", npy(CELLS))
    assert installation.run("create", "alps", "--json").code == 0
    refused = installation.run("add", "alps", url, "--x", "0", "--y", "0", "--json")
    assert "does not take sources from there" in refused.complaint
    assert site.asked == []
    added = installation.run("add", "alps", url, "--x", "0", "--y", "0", "--json", SOURCES=allowed)
    assert added.code == 0, added.stderr
    built = installation.run("build", "alps", "--json", SOURCES=allowed)
    assert built.code == 0, built.stderr
    verified = installation.run("verify", "alps", "--json", SOURCES=allowed)
    assert verified.code == 0, verified.stderr


def test_tables_and_declared_tiles_take_urls(installation: Installation, site: WebServer) -> None:
    allowed = json.dumps(
        {"hosts": [site.host], "networks": ["127.0.0.0/8"], "cache": str(installation.folder / "cache")}
    )
    url, table = site.put("a.npy", npy(CELLS)), installation.folder / "tiles.csv"
    table.write_text(f"url,height,width,dtype,x,y\n{url},3,4,int16,0,0\n")
    added = installation.run("add", "alps", "--create", "--table", str(table), "--json", SOURCES=allowed)
    assert added.code == 0, added.stderr
    built = installation.run("build", "alps", "--json", SOURCES=allowed)
    assert built.code == 0, built.stderr


def test_objects_are_asked_for_with_the_profile_that_the_setting_names(
    installation: Installation, s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.client().put_object(Bucket=bucket, Key="a.npy", Body=npy(CELLS))
    keys = installation.folder / "credentials"
    keys.write_text("[lab]\naws_access_key_id = AKIALAB\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    place = ("--create", "--x", "0", "--y", "0", "--json")
    for profile, code in ((None, 1), ("lab", 0)):
        access = {f"s3://{bucket}": {"endpoint": s3.url, "region": "us-east-1", "profile": profile}}
        said = json.dumps({"cache": str(installation.folder / "cache"), "access": access})
        added = installation.run("add", "alps", f"s3://{bucket}/a.npy", *place, SOURCES=said)
        assert added.code == code, added.stderr
