"""Services as processes of their own, on loopback: Ziggurat's, and others under the same uvicorn."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from bootstrap import ROOT

ZIGGURAT = (sys.executable, "-c", "from service.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Service:
    """A process that serves."""

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


def command_of(folder: Path, *words: str) -> None:
    """Run a `ziggurat` command on the installation below a folder."""
    subprocess.run([*ZIGGURAT, *words], env=os.environ | settings_of(folder), check=True, cwd=folder)


def served(folder: Path, settings: Mapping[str, str]) -> AbstractContextManager[Service]:
    """A service of what lies below a folder, ready; `settings` beside that are environment variables."""
    port = _free_port()
    given = {**settings_of(folder), **settings, "ZIGGURAT_PORT": str(port)}
    return _running([*ZIGGURAT, "serve"], given, port, "/health/ready")


def app_served(app: str, settings: Mapping[str, str]) -> AbstractContextManager[Service]:
    """An application `module:name` in one uvicorn process, ready when `/ready` answers."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning"]
    return _running(command, {**settings, "PYTHONPATH": str(ROOT / "scripts")}, port, "/ready")


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


@contextmanager
def _running(command: list[str], settings: Mapping[str, str], port: int, ready: str) -> Iterator[Service]:
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log)
        try:
            while not _is_ready(port, ready):
                if process.poll() is not None:
                    log.seek(0)
                    sys.exit(f"the service did not start:\n{log.read()}")
                time.sleep(0.05)
            yield Service(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait()


def _is_ready(port: int, path: str) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
