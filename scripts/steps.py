"""The checks that need no running code, shared by `check` and `test`."""

from __future__ import annotations

import subprocess
import sys

from bootstrap import ROOT

STATIC = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy",),
    ("lint-imports", "--no-logo", "--cache-dir", ".import_linter_cache"),
)


def failing(*steps: tuple[str, ...]) -> list[str]:
    """Run every step in the project's root, whatever the others say; the command lines of those that fail."""
    failed = []
    for step in steps:
        command = " ".join(step)
        print(f"\n== {command}", flush=True)
        if subprocess.run(step, cwd=ROOT, check=False).returncode:
            failed.append(command)
    return failed


def verdict(failed: list[str]) -> int:
    """Exit code; names what failed."""
    for command in failed:
        print(f"FAILED: {command}", file=sys.stderr)
    return 1 if failed else 0
