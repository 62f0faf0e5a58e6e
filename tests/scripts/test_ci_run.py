"""What continuous integration runs, on a machine that lacks something or nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

RUN = Path(__file__).parents[2] / ".ci" / "run"

HAS_VENV = '[ "$1" = -c ] && exit 0; echo "python3 $*"'
HAS_NO_VENV = '[ "$1" = -c ] && exit 1; echo "python3 $*"'
APT = 'echo "apt-get $*"'


def run_with(tmp_path: Path, **programs: str) -> list[str]:
    """Lines that .ci/run prints where the path holds these programs, and what a shell script needs."""
    for name in ("bash", "dirname", "env", "id", "sh"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name, script in {"sudo": '"$@"', **programs}.items():
        program = tmp_path / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    done = subprocess.run(
        [RUN, "-k", "grid"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_what_is_missing_is_installed_and_then_everything_is_tested(tmp_path: Path) -> None:
    lines = run_with(tmp_path, python3=HAS_NO_VENV, apt_get=APT)
    installed = [line.split()[-1] for line in lines[:-1] if line.startswith("apt-get install")]
    assert installed == ["python3-venv", "haproxy", "pgbouncer", "chromium"]
    assert lines[0].startswith("apt-get update")
    assert lines[-1] == "python3 scripts/test -k grid"


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    lines = run_with(tmp_path, python3=HAS_VENV, apt_get=APT, haproxy="", pgbouncer="", chromium="")
    assert lines == ["python3 scripts/test -k grid"]


def test_a_program_that_cannot_be_installed_costs_its_own_tests_only(tmp_path: Path) -> None:
    lines = run_with(tmp_path, python3=HAS_VENV, apt_get="exit 100")
    assert lines == ["python3 scripts/test -k grid"]
