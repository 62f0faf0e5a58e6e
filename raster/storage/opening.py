"""Which store an address names."""

from __future__ import annotations

from pathlib import Path

from raster.storage.local import LocalStore
from raster.storage.store import Store


def open_store(url: Path | str) -> Store:
    """The store at an address: a folder, or `s3://bucket/prefix`. Opens no connection."""
    if isinstance(url, Path):
        return LocalStore(url.absolute())
    # most of a second that a local folder need not pay
    from raster.storage.bucket import Bucket  # noqa: PLC0415
    from raster.storage.s3 import S3Store  # noqa: PLC0415

    bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
    return S3Store(Bucket(bucket), f"{prefix}/" if prefix else "")
