"""An environment that holds a few packages and what they need, and nothing else of the tests' own.

It is a real one, made by `venv` without pip. Packages are not downloaded but linked: each file at the top
of a distribution that the tests' environment has. Nothing else can be imported there, and no metadata of
others is found. `scripts/readers` runs the same program where pip installed the packages.
"""

from __future__ import annotations

import os
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def make_fresh_environment(folder: Path, *names: str) -> Path:
    """The Python of an environment with these distributions and those that they require."""
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    for found in _with_what_they_need(names).values():
        for top in _tops_of(found):
            (packages / top.name).symlink_to(top)
    return folder / "bin" / "python"


def _with_what_they_need(names: tuple[str, ...]) -> dict[str, Distribution]:
    wanted, found = list(names), dict[str, Distribution]()
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found:
            continue
        found[name] = distribution(name)
        needs = map(Requirement, found[name].requires or ())
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def _tops_of(found: Distribution) -> Iterator[Path]:
    """Packages, modules and metadata of a distribution."""
    names = {file.parts[0] for file in found.files or () if file.parts[0] not in {"..", "__pycache__"}}
    if not names:
        raise PackageNotFoundError(found.name)
    for name in sorted(names):
        yield Path(os.path.abspath(str(found.locate_file(name))))  # noqa: PTH100 - links stay links
