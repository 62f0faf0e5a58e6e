"""Requests as bytes: what no client would send, and what comes back."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPResponse

import httpx

PATIENCE_S = 30


@dataclass(frozen=True)
class RawAnswer:
    """An answer, its headers in the order they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    def header(self, name: str) -> str | None:
        """The header's value; None without one."""
        return next((value for each, value in self.headers if each.lower() == name), None)


def written(
    method: str, target: str | bytes, *headers: str | bytes, body: bytes = b"", host: str = "localhost"
) -> bytes:
    """A request as it is sent, text in UTF-8. A body's length is told unless a header tells it."""
    lines = [
        f"{method} ".encode() + _bytes(target) + b" HTTP/1.1",
        f"Host: {host}".encode(),
        b"Connection: close",
        *map(_bytes, headers),
    ]
    if body and not _tells_length(lines):
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join([*lines, b"", body])


def chunked(*pieces: bytes) -> bytes:
    """A body in pieces, each of which tells its own length."""
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (*pieces, b""))


def send_raw(address: httpx.URL, request: bytes, *, hangs_up: bool = False) -> RawAnswer | None:
    """Send this, and maybe say that nothing follows; the answer, None when there is none."""
    with socket.create_connection((address.host, address.port or 80), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(request)
            if hangs_up:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # who is refused early is not listened to any more
        return received(connection, request.partition(b" ")[0].decode("latin-1"))


def received(connection: socket.socket, method: str = "GET") -> RawAnswer | None:
    """The answer that comes next; None when there is none."""
    with HTTPResponse(connection, method=method) as response:
        try:
            response.begin()
        except (ConnectionError, ValueError):
            return None
        return RawAnswer(response.status, tuple(response.getheaders()), response.read())


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _tells_length(lines: Iterable[bytes]) -> bool:
    return any(line.lower().startswith((b"content-length:", b"transfer-encoding:")) for line in lines)
