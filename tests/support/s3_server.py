"""An S3 server that can be made to fail: a program, and what drives it.

moto's server with a layer before it that counts requests and spoils those that a rule names. It takes
a line of JSON per order on standard input and answers each with one: the requests since the last order.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

import boto3

from raster.storage.bucket import Patience

QUICK = Patience(connect_s=2.0, silence_s=1.0, attempts=2, read_s=3.0, write_s=3.0)
"""Production waits for longer."""

Environ = dict[str, Any]
Start = Callable[..., Any]


@dataclass
class Rule:
    """What happens to requests, of which at most `times` are left to spoil; `key` is searched in the path."""

    fault: str
    """A status, or: reset (connection lost), stall (no answer), short (half a body), lie (half as if all)."""
    method: str = ""
    key: str = ""
    times: int = 1_000_000
    code: str = "SlowDown"
    body: str = "<Error><Code>{code}</Code></Error>"

    def takes(self, environ: Environ) -> bool:
        """Whether a request is one of them."""
        is_meant = self.method in {"", environ["REQUEST_METHOD"]} and re.search(self.key, _path(environ))
        if not is_meant or self.times <= 0:
            return False
        self.times -= 1
        return True


@dataclass
class Layer:
    """What runs in the program."""

    app: Callable[[Environ, Start], Iterable[bytes]]
    rules: list[Rule] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    changed: Condition = field(default_factory=Condition)

    def obey(self, order: dict[str, Any]) -> list[str]:
        """Spoil requests by other rules from now on; the requests so far, or the bytes of all answers."""
        with self.changed:
            if "sent_bytes" in order:
                return [str(self.sent_bytes)]
            if "rules" in order:
                self.rules = [Rule(**each) for each in order["rules"]]
                self.changed.notify_all()
            seen, self.seen = self.seen, []
        return seen

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        with self.changed:
            query = environ.get("QUERY_STRING", "")
            copied = " copy" if "HTTP_X_AMZ_COPY_SOURCE" in environ else ""
            self.seen.append(f"{environ['REQUEST_METHOD']}{copied} {_path(environ)}?{query}")
            rule = next((rule for rule in self.rules if rule.takes(environ)), None)
        if rule is not None:
            return self.spoil(rule, environ, start)
        body = list(self.app(environ, start))
        with self.changed:
            self.sent_bytes += sum(map(len, body))
        return body

    def spoil(self, rule: Rule, environ: Environ, start: Start) -> Iterable[bytes]:
        if rule.fault.isdigit():
            start(f"{rule.fault} Spoilt", [("Content-Type", "application/xml")])
            is_head = environ["REQUEST_METHOD"] == "HEAD"
            return [] if is_head else [rule.body.format(code=rule.code).encode()]
        connection: socket.socket = environ["werkzeug.socket"]
        if rule.fault == "stall":
            with self.changed:
                self.changed.wait_for(lambda: rule not in self.rules, 60)
        elif rule.fault in {"short", "lie"}:
            connection.sendall(self.half(rule, environ))
        if rule.fault == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(connection.detach())
        raise ConnectionResetError

    def half(self, rule: Rule, environ: Environ) -> bytes:
        """The answer with half its body."""
        answer: dict[str, Any] = {}
        body = b"".join(
            self.app(environ, lambda *given, **_: answer.update(status=given[0], headers=given[1]))
        )
        half = body[: len(body) // 2]
        length = len(half if rule.fault == "lie" else body)
        headers = [(name, value) for name, value in answer["headers"] if name.lower() != "content-length"]
        lines = [f"{name}: {value}" for name, value in (*headers, ("Content-Length", str(length)))]
        return (
            "\r\n".join((f"HTTP/1.1 {answer['status']}", *lines, "Connection: close", "", "")).encode() + half
        )


def _path(environ: Environ) -> str:
    return str(environ["PATH_INFO"])


def run() -> None:
    """Serve, and obey until standard input ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    layer = Layer(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, layer, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    _say(server.server_port)
    for line in sys.stdin:
        _say(layer.obey(json.loads(line)))


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


@dataclass
class S3Server:
    """The program, driven."""

    process: subprocess.Popen[str]
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The usual settings for whoever uses it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "s3cr3t-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def spoil(self, *rules: Rule) -> None:
        """Spoil requests by these rules, and no others, from now on."""
        self._order({"rules": [vars(rule) for rule in rules]})

    def requests(self) -> list[str]:
        """`METHOD path?query` of each request since this was asked, or rules were made."""
        return self._order({})

    def sent_bytes(self) -> int:
        """Bytes of the bodies of all answers."""
        (count,) = self._order({"sent_bytes": True})
        return int(count)

    def wait_for_request(self) -> None:
        """Wait until somebody asks for something."""
        deadline = time.monotonic() + 30
        while not self.requests():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def counts(self) -> Counter[str]:
        """Those requests by method; what copies, lists and deletes by these names."""
        return Counter(map(_kind, self.requests()))

    def client(self) -> Any:
        """A client for what tests do to the store behind everybody's back."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="AKIATEST",
            aws_secret_access_key="s3cr3t-key",  # noqa: S106 - of a server that knows none
            region_name="us-east-1",
        )

    def _order(self, order: dict[str, Any]) -> list[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        seen: list[str] = json.loads(self.process.stdout.readline())
        return seen


def _kind(request: str) -> str:
    method, _, rest = request.partition(" ")
    if "list-type=2" in rest:
        return "LIST"
    if rest.startswith("copy "):
        return "COPY"
    return "DELETE" if method == "POST" else method


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server of its own."""
    command = [sys.executable, __file__]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield S3Server(process, f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


if __name__ == "__main__":
    run()
