from __future__ import annotations

import socket

import pytest

from service.serving import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_in_two_pieces_does_not_wait_in_between(host: str) -> None:
    with listen(host, 0) as listening, socket.create_connection(listening.getsockname()[:2]):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
