"""Stores to try the same things on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from raster.storage.bucket import Bucket
from raster.storage.local import LocalStore
from raster.storage.s3 import S3Store
from raster.storage.store import Store
from s3_server import QUICK


@pytest.fixture
def s3_store(bucket: str) -> Iterator[S3Store]:
    """A store below a prefix of a bucket of its own."""
    store = S3Store(Bucket(bucket, QUICK), "pyramids/")
    yield store
    store.close()


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store."""
    if request.param == "local":
        return LocalStore(tmp_path / "pyramids")
    store: S3Store = request.getfixturevalue("s3_store")
    return store
