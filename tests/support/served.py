"""`ziggurat serve` as a process of its own, as a supervisor would start and stop it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from installations import Installation
from rest import until


@dataclass
class Served:
    """`ziggurat serve` as a process, what it logged so far, and a client of it."""

    process: subprocess.Popen[str]
    client: httpx.Client
    lines: list[dict[str, Any]]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    def is_listening(self) -> bool:
        url = self.client.base_url
        with socket.socket() as asking:
            return asking.connect_ex((url.host, url.port)) == 0


@contextmanager
def served(installation: Installation, **settings: str) -> Iterator[Served]:
    """A service that is ready; `settings` are names without prefix."""
    with installation.house():
        pass  # with a catalogue made by now, all it says is its log
    with installation.start("serve", PORT="0", LOG="json", **settings) as process, ExitStack() as stack:
        stack.callback(process.kill)
        assert process.stderr is not None
        lines = [json.loads(process.stderr.readline())]
        (address,) = re.findall(r"http://[\d.:]+\d", lines[0]["event"])
        reading = threading.Thread(target=lambda: lines.extend(map(json.loads, process.stderr or ())))
        reading.start()
        stack.callback(reading.join)
        stack.callback(process.kill)
        client = stack.enter_context(httpx.Client(base_url=address, timeout=30))
        until(lambda: client.get("/health/ready").is_success)
        yield Served(process, client, lines)
