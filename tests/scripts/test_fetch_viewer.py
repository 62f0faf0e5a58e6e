"""The viewer's packages are fetched once, copied as they are, and done without where they cannot be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import ROOT
from fetch_viewer import FILES, PINS

NPM = """\
#!/bin/sh
echo npm "$@" >> "$CALLS"
[ -z "$REFUSED" ] || { echo "npm error $REFUSED" >&2; exit 1; }
for word in "$@"; do prefix=$word; done
for file in $FILES; do
    mkdir -p "$prefix/node_modules/$(dirname "$file")"
    echo "$file" > "$prefix/node_modules/$file"
done
"""
"""Stands in for npm: puts the files where npm puts them."""

NAMES = [f"{package}/{name}" for package, names in FILES.items() for name in names]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "mkdir", "dirname", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, script in {"npm": NPM, "node": "#!/bin/sh\n"}.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return folder


def fetch(tmp_path: Path, programs: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    code = "import pathlib, sys, fetch_viewer; fetch_viewer.fetch_packages(pathlib.Path(sys.argv[1]))"
    return subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "packages")],
        env={
            "PATH": str(programs),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts")]),
            "ZIGGURAT_VENV": str(tmp_path / "venv"),
            "CALLS": str(tmp_path / "calls"),
            "FILES": " ".join(NAMES),
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_browser_needs_is_copied_and_npm_is_asked_once(tmp_path: Path, programs: Path) -> None:
    for _ in range(2):
        done = fetch(tmp_path, programs)
        assert done.returncode == 0, done.stderr
    for package, names in FILES.items():
        there = tmp_path / "packages" / package
        assert {path.name for path in there.iterdir()} == {Path(name).name for name in names}
        assert (there / "LICENSE.txt").read_text() == f"{package}/LICENSE.txt\n"
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call.startswith("npm ci --ignore-scripts")


def test_the_reason_is_told_when_npm_does_not_give_them(tmp_path: Path, programs: Path) -> None:
    done = fetch(tmp_path, programs, REFUSED="no network here")
    assert done.returncode == 1
    assert "NotInstallable: npm error no network here" in done.stderr
    assert not (tmp_path / "packages").exists()
    # and the next attempt finds nothing half-made
    assert fetch(tmp_path, programs).returncode == 0


def test_what_is_fetched_is_not_tracked_but_belongs_into_wheels() -> None:
    assert "/service/viewer/packages/" in (ROOT / ".gitignore").read_text().splitlines()
    assert 'artifacts = ["service/viewer/packages"]' in (ROOT / "pyproject.toml").read_text()
    assert (PINS / "package-lock.json").is_file()
