"""Servers that contradict themselves: what they give could be read, and is refused all the same."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from raster.errors import SourceUnreachable
from raster.sources.remote.policy import S3Access
from raster.sources.remote.remote import RemoteSources
from web_server import Fault, Handler, WebServer


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(100, dtype=np.int16).reshape(10, 10))
    return file.getvalue()


DATA = npy()
SIZE = len(DATA)


def part(content_range: str | None, size: int = SIZE) -> Fault:
    """The file, in an answer that says something else; the connection ends with it."""

    def answer(handler: Handler) -> None:
        headers = {} if content_range is None else {"Content-Range": content_range}
        handler.give(206, b"", **{"Content-Length": str(size), **headers})
        handler.send(DATA[:size])
        handler.close_connection = True

    return answer


LIES: dict[str, Fault] = {
    "begins elsewhere": part(f"bytes 5-{SIZE - 1}/{SIZE}"),
    "ends before": part(f"bytes 0-{SIZE - 1}/{SIZE + 1000}"),
    "ends after": part(f"bytes 0-{SIZE - 1}/{SIZE - 10}"),
    "of any size": part(f"bytes 0-{SIZE - 1}/*"),
    "two parts": part(f"bytes 0-{SIZE - 1}/{SIZE}, 0-1/{SIZE}"),
    "of nothing": part(None),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
@pytest.mark.parametrize("scheme", ["http", "s3"])
def test_a_part_that_was_not_asked_for_is_not_taken(
    open_sources: Callable[..., RemoteSources], site: WebServer, scheme: str, lie: Fault
) -> None:
    url, path = f"s3://tiles/{scheme}.npy", f"tiles/{scheme}.npy"
    site.fault(path, lie, ...)
    sources = open_sources(access={"s3://tiles": S3Access(endpoint=f"http://{site.host}")})
    with pytest.raises(SourceUnreachable, match=r"range|answers"):
        sources.open(url if scheme == "s3" else site.url(path))
    assert len(site.asked) == 1


@pytest.mark.parametrize("size", [SIZE - 10, SIZE + 10])
def test_a_part_of_another_length_than_its_range_is_not_asked_for_again(
    sources: RemoteSources, site: WebServer, size: int
) -> None:
    site.fault("a.npy", part(f"bytes 0-{SIZE - 1}/{SIZE}", size), ...)
    with pytest.raises(SourceUnreachable, match="number of bytes"):
        sources.open(site.url("a.npy"))
    assert len(site.asked) == 1
