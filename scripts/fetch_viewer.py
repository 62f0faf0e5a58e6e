"""The packages of others that the viewer draws with, fetched through npm and put beside its own files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bootstrap import ROOT
from own_environments import PLACE, install_packages

PINS = ROOT / "scripts" / "viewer_packages"
TARGET = ROOT / "service" / "viewer" / "packages"

FILES = {
    "maplibre-gl": (
        "dist/maplibre-gl.mjs",
        "dist/maplibre-gl-worker.mjs",
        "dist/maplibre-gl.css",
        "LICENSE.txt",
    )
}
"""Of each package, what a browser is given."""


def fetch_packages(target: Path = TARGET) -> None:
    """Put the packages into `target`; what is there already stays when it is the same.

    Raises
    ------
    NotInstallable
        There is no npm, or it gets no packages; the viewer does without maps then.
    """
    there = PLACE / "viewer-packages"
    install_packages(PINS, there)
    for package, names in FILES.items():
        for name in names:
            _copy(there / "node_modules" / package / name, target / package / Path(name).name)


def fetch_test_packages() -> Path:
    """The folder with the packages that tests of pages need.

    Raises
    ------
    NotInstallable
    """
    there = PLACE / "viewer-tests"
    install_packages(ROOT / "tests" / "viewer", there)
    return there / "node_modules"


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all: it may be served at the same time."""
    if target.is_file() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
        shutil.copyfile(source, Path(folder) / target.name).replace(target)
