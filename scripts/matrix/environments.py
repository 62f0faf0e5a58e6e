"""Environments of readers, one for each group: made on the first run, kept beside the project's own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bootstrap import ROOT
from own_environments import PLACE, install_packages, make_environment, run_clean

PROGRAMS = ROOT / "tests" / "readers"
NODE = "node"


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
        return PLACE / self.name


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
    ran = run_clean(*command, cases)
    if ran.returncode:
        raise RuntimeError(f"{program}: {ran.stderr[-2000:]}")
    return ran.stdout


def _with_python(group: Group, program: str) -> tuple[str | Path, ...]:
    python = make_environment(group.folder, group.lock, group.oldest_python)
    return python, "-W", "ignore", PROGRAMS / program


def _with_node(group: Group, program: str) -> tuple[str | Path, ...]:
    """A program beside the packages of npm's lock: Node looks for them from there."""
    folder = PLACE / f"{group.name}-packages"
    node = install_packages(PROGRAMS, folder)
    for each in PROGRAMS.glob("*.mjs"):
        shutil.copy(each, folder)
    return node.program, folder / program
