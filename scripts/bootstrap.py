"""Give a command its own environment: made on the first run, brought up to date when a lock file changes.

Only the standard library, and nothing newer than Python 3.8 before the version is known to do.
The environment is `.venv`, or the folder that ZIGGURAT_VENV names.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = Path(os.environ.get("ZIGGURAT_VENV") or ROOT / ".venv").absolute()
RUN_TIME = "requirements.lock"
TEST = "requirements-test.lock"
PEERS = "requirements-peers.lock"

OLDEST = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def enter(lock: str) -> None:
    """Go on in an environment that holds what `lock` names; returns once the caller runs in it.

    The command is started anew with the environment's Python. A second run finds the stamp of
    the first and starts at once.
    """
    if not _is_current(lock):
        _require_python()
        _create()
        _install(lock)
    path = os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)])
    os.environ.update(PATH=path, VIRTUAL_ENV=str(ENVIRONMENT))
    os.environ.pop("PYTHONHOME", None)
    if Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        _become(_environment_python())


def _become(python: Path) -> None:
    sys.stdout.flush()
    os.execv(python, [str(python), *sys.argv])


def _require_python() -> None:
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        python = shutil.which(name)
        if python and _runs(Path(python), "import sys"):
            _become(Path(python))
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(f"Ziggurat needs Python 3.11 or newer; this is {found}, and the path holds no newer one.")


def _environment_python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _stamp(lock: str) -> Path:
    return ENVIRONMENT / f"ziggurat-{lock}.sha256"


def _wanted(lock: str) -> str:
    """What decides the environment's content: the lock, how the project installs, and where it lies."""
    content = (ROOT / lock).read_bytes() + (ROOT / "pyproject.toml").read_bytes() + os.fsencode(ROOT)
    return hashlib.sha256(content).hexdigest()


def _is_current(lock: str) -> bool:
    stamp = _stamp(lock)
    return _environment_python().exists() and stamp.is_file() and stamp.read_text() == _wanted(lock)


def _create() -> None:
    if _has_pip():
        return
    if ENVIRONMENT.exists() and any(ENVIRONMENT.iterdir()) and not (ENVIRONMENT / "pyvenv.cfg").exists():
        sys.exit(
            f"{ENVIRONMENT} holds something that is not a Python environment; name another in ZIGGURAT_VENV."
        )
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        sys.exit(
            f"{sys.executable} cannot make environments: its modules venv and ensurepip are missing.\n"
            "On Debian and Ubuntu they are in a package of their own: apt-get install python3-venv"
        )
    print(f"Making the environment {ENVIRONMENT} ...", flush=True)
    _run(sys.executable, "-m", "venv", str(ENVIRONMENT))


def _has_pip() -> bool:
    """Whether an earlier run got as far as a working pip, on a Python that is new enough."""
    python = _environment_python()
    return python.exists() and _runs(python, "import sys, pip")


def _runs(python: Path, imports: str) -> bool:
    """Whether this Python starts (a version manager's stand-in may not), is new enough, has the modules."""
    probe = f"{imports}; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0


def _install(lock: str) -> None:
    print(f"Installing what {lock} names; the first time it takes a minute or two ...", flush=True)
    stamp = _stamp(lock)
    stamp.unlink(missing_ok=True)
    pip = [str(_environment_python()), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # Wheels only: building from source would fetch build tools that no lock names.
    _run(*pip, "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", str(ROOT / lock))
    _run(*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(_wanted(lock))


def _run(*command: str) -> None:
    # Programs of an environment find their packages by themselves; a PYTHONPATH would mix in others.
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    status = subprocess.run(command, env=clean, check=False).returncode
    if status:
        sys.exit(f"This failed (exit code {status}): {' '.join(command)}")
