"""A web server for sources: real files, by ranges or not, and all that may be wrong with such a server."""

from __future__ import annotations

import hashlib
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY_PIECE = 2**16


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    range: str | None
    headers: dict[str, str]


@dataclass
class WebServer:
    """Files by their paths, and what was asked for."""

    address: str
    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    knows_ranges: bool = True
    tells_etag: bool = True
    faults: dict[str, list[Any]] = field(default_factory=dict)
    """By path, what happens to the next requests, one each: a callable that is given the handler."""
    asked: list[Asked] = field(default_factory=list)
    sent_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"http://{self.host}/{path}"

    def put(self, path: str, data: bytes) -> str:
        """Serve a file; its address."""
        self.files[f"/{path}"] = data
        return self.url(path)

    def fault(self, path: str, *faults: Any) -> None:
        """What happens to the next requests for a path; a last `...` repeats the one before for ever."""
        self.faults[f"/{path}"] = list(faults)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    site: WebServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            self._answer()

    do_HEAD = do_GET  # noqa: N815

    def _answer(self) -> None:
        site, path = self.site, self.path.partition("?")[0]
        with site.lock:
            site.asked.append(Asked(self.command, self.path, self.headers.get("Range"), dict(self.headers)))
            fault = _next(site.faults.get(path, []))
        if fault is not None:
            fault(self)
            return
        data = site.files.get(path)
        if data is None:
            self.give(404, b"no such file")
            return
        self.give_file(data)

    def give_file(self, data: bytes, etag: str | None = None) -> None:
        """Answer as a good server does."""
        etag = etag or etag_of(data)
        headers = {"ETag": etag} if self.site.tells_etag else {}
        if self.site.tells_etag and self.headers.get("If-None-Match") == etag:
            self.give(304, None, **headers)
            return
        if self.headers.get("If-Match", etag) != etag:
            self.give(412, b"")
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if found is None or not self.site.knows_ranges:
            self.give(200, data, **headers)
            return
        start, stop = int(found[1]), min(int(found[2]) + 1, len(data))
        if start >= len(data):
            self.give(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
            return
        part = f"bytes {start}-{stop - 1}/{len(data)}"
        self.give(206, data[start:stop], **headers, **{"Content-Range": part, "Accept-Ranges": "bytes"})

    def begin_part(self) -> bytes:
        """The head of a good answer; its body is still to be sent."""
        data = self.site.files[self.path.partition("?")[0]]
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, stop = (int(found[1]), min(int(found[2]) + 1, len(data))) if found else (0, len(data))
        self.give(
            206,
            b"",
            **{
                "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}",
                "Content-Length": str(stop - start),
                "ETag": etag_of(data),
            },
        )
        return data[start:stop]

    def give(self, status: int, body: bytes | None, **headers: str) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None and "Content-Length" not in headers and "Transfer-Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.send(body)

    def send(self, body: bytes) -> None:
        """Send bytes, and count them."""
        for start in range(0, len(body), BODY_PIECE):
            piece = body[start : start + BODY_PIECE]
            with self.site.lock:  # before it is sent: then whoever has it finds it counted
                self.site.sent_bytes += len(piece)
            self.wfile.write(piece)


Fault = Callable[[Handler], None]


def etag_of(data: bytes) -> str:
    """What the server tells of a file's content."""
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


def _next(faults: list[Any]) -> Any:
    if len(faults) == 2 and faults[1] is ...:
        return faults[0]
    return faults.pop(0) if faults else None


def status(code: int, **headers: str) -> Fault:
    """Answer with a status and nothing else."""
    return lambda handler: handler.give(code, b"", **headers)


def redirect(place: str) -> Fault:
    """Send on."""
    return status(302, Location=place)


def never(handler: Handler) -> None:
    """Give no answer."""
    handler.site.closing.wait(60)
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """A byte now and then."""
    handler.begin_part()
    while not handler.site.closing.wait(0.05):
        handler.send(b"x")


def half(handler: Handler) -> None:
    """Break off in the midst of the body."""
    body = handler.begin_part()
    handler.send(body[: len(body) // 2])
    handler.close_connection = True


def stall(handler: Handler) -> None:
    """Half the body, and no more."""
    body = handler.begin_part()
    handler.send(body[: len(body) // 2])
    handler.site.closing.wait(60)
    handler.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """End connections that clients would keep."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def web_server(address: str = "127.0.0.1", **how: Any) -> Iterator[WebServer]:
    """A server on a port of its own, in threads of this process."""
    handler = type("SiteHandler", (Handler,), {})
    server = _Server((address, 0), handler)
    site = WebServer(address, server.server_port, **how)
    handler.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        server.hang_up()
        thread.join()
        server.server_close()
