"""Messages between us and a decoder: JSON and bytes, never pickles, for a decoder may be in others' hands."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

_HEAD = struct.Struct(">II")

LONGEST_WORDS = 2**16


class ChannelBroken(Exception):
    """The other side is gone, or does not keep to the rules."""


@dataclass(frozen=True, slots=True)
class Message:
    """Words and bytes."""

    words: Mapping[str, Any]
    payload: bytearray


class Channel:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(
        self,
        words: Mapping[str, Any],
        payload: bytes | bytearray | memoryview = b"",
        within_s: float | None = None,
    ) -> None:
        """Send a message.

        Raises
        ------
        ChannelBroken
        TimeoutError
        """
        text = json.dumps(words).encode()
        self._connection.settimeout(within_s)
        try:
            self._connection.sendall(_HEAD.pack(len(text), len(payload)) + text)
            if payload:
                self._connection.sendall(payload)
        except TimeoutError:
            raise
        except OSError as error:
            raise ChannelBroken from error

    def receive(self, within_s: float | None = None, most_bytes: int = 0) -> Message:
        """Wait for a message.

        Parameters
        ----------
        most_bytes : int
            Of the payload: room is made for what the other side says that it sends, before it does.

        Raises
        ------
        ChannelBroken
        TimeoutError
        """
        due = None if within_s is None else monotonic() + within_s
        self._connection.settimeout(None)
        text_bytes, payload_bytes = _HEAD.unpack(self._take(_HEAD.size, due))
        if text_bytes > LONGEST_WORDS or payload_bytes > most_bytes:
            raise ChannelBroken
        text, payload = self._take(text_bytes, due), self._take(payload_bytes, due)
        try:
            words = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ChannelBroken from error
        if not isinstance(words, dict):
            raise ChannelBroken
        return Message(words, payload)

    def _take(self, byte_count: int, due: float | None) -> bytearray:
        taken = bytearray(byte_count)
        view, done = memoryview(taken), 0
        while done < byte_count:
            if due is not None:
                left_s = due - monotonic()
                if left_s <= 0:
                    raise TimeoutError
                self._connection.settimeout(left_s)
            try:
                got = self._connection.recv_into(view[done:])
            except TimeoutError:
                raise
            except OSError as error:
                raise ChannelBroken from error
            if not got:
                raise ChannelBroken
            done += got
        return taken

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
