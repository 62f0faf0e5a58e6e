"""A store that answers no attempt to connect, as one behind a firewall that drops packets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from raster.errors import StoreFailed
from raster.storage.bucket import Bucket, Patience

USUAL = {
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "s3cr3t-key",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that no further one comes about."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


def reason_of(bucket: Bucket) -> str:
    try:
        with pytest.raises(StoreFailed) as failed:
            bucket.run(bucket.get("a"))
        return failed.value.reason
    finally:
        bucket.close()


def test_a_store_that_cannot_be_connected_is_not_waited_for_as_for_one_that_works(
    full_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**USUAL, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{full_port}"}.items():
        monkeypatch.setenv(name, value)
    patience = Patience(connect_s=0.2, silence_s=60.0, attempts=2, read_s=20.0)
    assert reason_of(Bucket("dem", patience)) != "no answer in time", "it gave up before its deadline"
