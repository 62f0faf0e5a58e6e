"""Environments of readers: one for each group of them, made on the first run and kept beside the project's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap import ENVIRONMENT, ROOT

PROGRAMS = ROOT / "tests" / "readers"
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")


class NotInstallable(Exception):
    """An environment cannot be had here; says why."""


@dataclass(frozen=True, slots=True)
class Group:
    """Readers that share an environment."""

    name: str
    oldest_python: tuple[int, int]
    programs: tuple[str, ...]

    @property
    def lock(self) -> Path:
        """Pins of its packages."""
        return PROGRAMS / f"{self.name}.lock"

    @property
    def folder(self) -> Path:
        """Where its environment lies."""
        return ENVIRONMENT.parent / f"{ENVIRONMENT.name}-readers" / self.name


GROUPS = (
    Group("alone", (3, 11), ("xarray_alone.py",)),
)


def run_program(group: Group, program: str, cases: Path) -> str:
    """What a check program prints.

    Raises
    ------
    NotInstallable
    RuntimeError
        The program failed; with what it said last.
    """
    command = [_make(group), "-W", "ignore", PROGRAMS / program, cases]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=_clean())
    if ran.returncode:
        raise RuntimeError(f"{program}: {ran.stderr[-2000:]}")
    return ran.stdout


def _make(group: Group) -> Path:
    """The environment's Python, once everything of the lock is there."""
    python = group.folder / "bin" / "python"
    stamp = group.folder / "lock.sha256"
    wanted = hashlib.sha256(group.lock.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"Installing what {group.lock.name} names ...", file=sys.stderr, flush=True)
        _call(_python(group.oldest_python), "-m", "venv", "--clear", group.folder)
        _call(python, *PIP, "--require-hashes", "--only-binary=:all:", "-r", group.lock)
        stamp.write_text(wanted)
    return python


def _call(*command: str | Path) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=_clean())
    if ran.returncode:
        raise NotInstallable((ran.stderr.strip() or "no reason given").splitlines()[-1])


def _python(oldest: tuple[int, int]) -> Path:
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


def _clean() -> dict[str, str]:
    # a PYTHONPATH would mix in packages of others
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
