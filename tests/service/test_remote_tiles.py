"""Tiles by URL give the pyramids that the same files on the disk give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine

from installations import Installation, save_geotiff
from rest import AppClient, add_terrain, open_client
from service.source_settings import SourceSettings
from web_server import WebServer, web_server

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


def test_the_pyramid_is_that_of_the_files_on_the_disk(
    installation: Installation, client: AppClient, site: WebServer
) -> None:
    files = save_files(installation.tiles)
    add_terrain(client, "near", *({"url": name, **place} for name, place in files.items()))
    for name in files:
        site.put(name, (installation.tiles / name).read_bytes())
    add_terrain(client, "far", *({"url": site.url(name), **place} for name, place in files.items()))
    for level in (0, 1, -1):
        near, far = (client.get(f"/terrain/{name}/pyramid/max/{level}") for name in ("near", "far"))
        assert far.status_code == near.status_code == 200, far.text
        assert far.json()["values"] == near.json()["values"]
    assert site.sent_bytes < 1.1 * sum(map(len, site.files.values()))
