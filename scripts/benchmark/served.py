"""`ziggurat serve` as a process of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile

import psutil

ZIGGURAT = (sys.executable, "-c", "from service.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Service:
    """A process that serves the catalogue."""

    port: int
    process: psutil.Process

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def settings_of(folder: Path) -> dict[str, str]:
    """Everything of an installation below one folder."""
    return {
        "ZIGGURAT_DATABASE_URL": f"sqlite:///{folder}/catalog.db",
        "ZIGGURAT_STORE_URL": str(folder / "pyramids"),
        "ZIGGURAT_TILE_ROOT": str(folder),
        "ZIGGURAT_SPOOL": str(folder / "spool"),
        "ZIGGURAT_DRAIN_S": "0",
    }


@contextmanager
def served(folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """A service of what lies below a folder, ready; `settings` beside that are environment variables."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    given = {**os.environ, **settings_of(folder), **settings, "ZIGGURAT_PORT": str(port)}
    with TemporaryFile("w+") as log:
        process = subprocess.Popen([*ZIGGURAT, "serve"], env=given, stderr=log)
        try:
            while not _is_ready(port):
                if process.poll() is not None:
                    log.seek(0)
                    sys.exit(f"the service did not start:\n{log.read()}")
                time.sleep(0.05)
            yield Service(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait()


def _is_ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
