"""Tiles by URL give the pyramids that the same files on the disk give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
from affine import Affine

from foreign import npy
from installations import Installation, save_geotiff
from rest import AppClient, add_terrain, open_client, problem_in
from s3_server import S3Server
from service.source_settings import SourceSettings
from web_server import Handler, WebServer, web_server

GROUND = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0)


def loopback(folder: Path, site: WebServer, **more: Any) -> SourceSettings:
    return SourceSettings.model_validate(
        {"hosts": [site.host], "networks": ["127.0.0.0/8"], "cache": folder / "cache", **more}
    )


@pytest.fixture(params=[True, False], ids=["ranges", "whole"])
def site(request: pytest.FixtureRequest) -> Iterator[WebServer]:
    with web_server(knows_ranges=request.param) as site:
        yield site


@pytest.fixture
def client(installation: Installation, site: WebServer) -> Iterator[AppClient]:
    with open_client(installation, sources=loopback(installation.folder, site)) as client:
        yield client


def save_files(folder: Path) -> dict[str, dict[str, int]]:
    """Two tiles that lie beside each other; names and places."""
    cells = np.random.default_rng(1).integers(-400, 4000, (300, 700), np.int16)
    save_geotiff(folder / "west.tif", cells[:, :400], transform=GROUND, compress="deflate", nodata=-9999)
    np.save(folder / "east.npy", cells[:, 400:])
    return {"west.tif": {}, "east.npy": {"x": 400, "y": 0}}


def values(client: AppClient, terrain: str) -> list[Any]:
    """Of some levels."""
    answers = [client.get(f"/terrain/{terrain}/pyramid/max/{level}") for level in (0, 1, -1)]
    assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text
    return [answer.json()["values"] for answer in answers]


def test_a_server_may_take_longer_than_the_catalogue(installation: Installation, site: WebServer) -> None:
    url = site.put("a.npy", npy(np.ones((2, 2), np.int16)))

    def wait(handler: Handler) -> None:
        sleep(1.5)
        handler.give_file(site.files["/a.npy"])

    site.fault("a.npy", wait)
    with open_client(installation, sources=loopback(installation.folder, site), deadline_s=1) as client:
        add_terrain(client, "late", {"url": url, "x": 0, "y": 0})


def test_the_pyramid_is_that_of_the_files_on_the_disk(
    installation: Installation, client: AppClient, site: WebServer
) -> None:
    files = save_files(installation.tiles)
    add_terrain(client, "near", *({"url": name, **place} for name, place in files.items()))
    for name in files:
        site.put(name, (installation.tiles / name).read_bytes())
    add_terrain(client, "far", *({"url": site.url(name), **place} for name, place in files.items()))
    assert values(client, "far") == values(client, "near")
    assert site.sent_bytes < 1.1 * sum(map(len, site.files.values()))


def put(s3: S3Server, bucket: str, path: Path, acl: str) -> None:
    """Put an object; moto gives only those to everybody that are for everybody."""
    s3.client().upload_file(str(path), bucket, path.name, ExtraArgs={"ACL": acl})


def test_objects_in_s3_give_it_too(installation: Installation, s3: S3Server, bucket: str) -> None:
    installation.needs_folders("counts what the server of the tiles sends")
    files = save_files(installation.tiles)
    sources = SourceSettings.model_validate(
        {"cache": installation.folder / "cache", "access": {f"s3://{bucket}": {"endpoint": s3.url}}}
    )
    with open_client(installation, sources=sources) as client:
        add_terrain(client, "near", *({"url": name, **place} for name, place in files.items()))
        for name in files:
            put(s3, bucket, installation.tiles / name, "public-read")
        before = s3.sent_bytes()
        tiles = ({"url": f"s3://{bucket}/{name}", **place} for name, place in files.items())
        add_terrain(client, "far", *tiles)
        assert values(client, "far") == values(client, "near")
        size = sum((installation.tiles / name).stat().st_size for name in files)
        assert s3.sent_bytes() - before < 1.1 * size


def test_row_37_objects_are_not_read_with_our_own_credentials(
    installation: Installation, s3: S3Server, bucket: str
) -> None:
    np.save(installation.tiles / "a.npy", np.ones((4, 4), np.int16))
    put(s3, bucket, installation.tiles / "a.npy", "private")
    access = {f"s3://{bucket}": {"endpoint": s3.url}}
    sources = SourceSettings.model_validate({"cache": installation.folder / "cache", "access": access})
    with open_client(installation, store_url=f"s3://{bucket}/pyramids", sources=sources) as client:
        add_terrain(client, "alps")
        tile = {"url": f"s3://{bucket}/a.npy", "x": 0, "y": 0}
        (reason,) = problem_in(client.post("/terrain/alps/tile", json={"tiles": [tile]}), 422)["errors"]
        assert reason["type"] == "/problems/source-unreachable"
        assert reason["reason"] == "S3 answers 403"
