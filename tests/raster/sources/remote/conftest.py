"""Servers of sources, and how they are opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from raster.sources.remote.policy import RemotePolicy
from raster.sources.remote.remote import RemoteSources


@pytest.fixture
def open_sources(tmp_path: Path) -> Iterator[Callable[..., RemoteSources]]:
    """As another process would, with a policy that allows loopback."""
    with ExitStack() as stack:

        def open_sources(**how: Any) -> RemoteSources:
            given = {
                "cache": tmp_path / "cache",
                "hosts": ("*:*",),
                "networks": (ip_network("127.0.0.1/32"),),
                **how,
            }
            sources = RemoteSources(RemotePolicy(**given))
            stack.callback(sources.close)
            return sources

        yield open_sources


@pytest.fixture
def sources(open_sources: Callable[..., RemoteSources]) -> RemoteSources:
    return open_sources()
