"""What continuous integration runs, on a machine whose Python cannot make environments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

RUN = Path(__file__).parents[2] / ".ci" / "run"


def run_with(tmp_path: Path, python: str) -> list[str]:
    """Lines that .ci/run prints with `python` for a python3, and an apt-get that only talks."""
    programs = {"python3": python, "apt-get": 'echo "apt-get $*"', "sudo": '"$@"'}
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([RUN, "-k", "grid"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_missing_venv_is_installed_and_then_everything_is_tested(tmp_path: Path) -> None:
    lines = run_with(tmp_path, '[ "$1" = -c ] && exit 1; echo "python3 $*"')
    assert lines[0].startswith("apt-get update")
    assert "python3-venv" in lines[1]
    assert lines[2:] == ["python3 scripts/test -k grid"]


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    lines = run_with(tmp_path, '[ "$1" = -c ] && exit 0; echo "python3 $*"')
    assert lines == ["python3 scripts/test -k grid"]
