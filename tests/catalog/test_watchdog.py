"""The watchdog: who is silent for too long is ended, and nobody else."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from catalog.watchdog import Line, Watchdog
from rest import until


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    yield watchdog
    watchdog.stop()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    with ours, theirs:
        yield ours, theirs


def test_who_waits_for_a_silent_peer_is_told(
    watchdog: Watchdog, pair: tuple[socket.socket, socket.socket]
) -> None:
    line = Line(pair[0].fileno())
    watchdog.expect(line, 30)
    watchdog.expect(line, 0.05)  # sooner than the thread would have looked
    assert pair[0].recv(1) == b"", "the connection is ended"
    until(lambda: watchdog.ended_count == 1)
    watchdog.expect(line, 0.01)  # it is closed by now: nothing is to be expected
    watchdog.close(line)


@pytest.mark.parametrize("is_closed", [True, False])
def test_who_expects_nothing_any_more_is_left_alone(
    watchdog: Watchdog, pair: tuple[socket.socket, socket.socket], is_closed: bool
) -> None:
    line = Line(pair[0].fileno())
    watchdog.expect(line, 0.05)
    (watchdog.close if is_closed else watchdog.rest)(line)
    time.sleep(0.1)
    pair[1].send(b"x")
    assert pair[0].recv(1) == b"x"
    assert watchdog.ended_count == 0
    watchdog.close(line)


def test_a_descriptor_that_was_closed_and_given_to_another_file_is_not_touched(watchdog: Watchdog) -> None:
    ours, theirs = socket.socketpair()
    line, number = Line(ours.fileno()), ours.fileno()
    ours.close()
    one, other = socket.socketpair()
    with one, other, theirs:
        assert number in {one.fileno(), other.fileno()}
        watchdog.expect(line, 0.01)
        time.sleep(0.1)
        one.send(b"x")
        assert other.recv(1) == b"x"


def test_it_can_be_stopped_and_goes_on_when_there_is_something_to_watch(
    watchdog: Watchdog, pair: tuple[socket.socket, socket.socket]
) -> None:
    line = Line(pair[0].fileno())
    watchdog.expect(line, 30)
    watchdog.stop()
    watchdog.stop()
    watchdog.expect(line, 0.01)
    assert pair[0].recv(1) == b""
