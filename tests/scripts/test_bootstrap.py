"""What a command says on a machine that lacks something, and when it installs anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

SCRIPTS = Path(bootstrap.__file__).parent


def enter_after(preparation: str, environment: Path) -> subprocess.CompletedProcess[str]:
    """Run `preparation`, then `bootstrap.enter`, in a Python of its own that finds no other."""
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import bootstrap\n{preparation}\n"
    return subprocess.run(
        [sys.executable, "-c", code + "bootstrap.enter(bootstrap.RUN_TIME)"],
        env={"ZIGGURAT_VENV": str(environment), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    done = enter_after("sys.version_info = (3, 9, 2, 'final', 0)", tmp_path / "env")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is 3.9.2" in done.stderr
    assert not (tmp_path / "env").exists()


def test_a_python_without_venv_is_told_how_to_get_it(tmp_path: Path) -> None:
    hide = "find = bootstrap.importlib.util.find_spec\n"
    hide += "bootstrap.importlib.util.find_spec = lambda name: None if name == 'ensurepip' else find(name)"
    done = enter_after(hide, tmp_path / "env")
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "env").exists()


def test_a_folder_that_holds_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("three years of work")
    done = enter_after("", tmp_path)
    assert done.returncode == 1
    assert "ZIGGURAT_VENV" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_changed_lock_installs_anew_and_an_unchanged_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / "env")
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "some.lock").write_text("numpy==2.1.0")
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "bin" / "python").touch()
    assert not bootstrap._is_current("some.lock")
    bootstrap._stamp("some.lock").write_text(bootstrap._wanted("some.lock"))
    assert bootstrap._is_current("some.lock")
    (tmp_path / "some.lock").write_text("numpy==2.1.1")
    assert not bootstrap._is_current("some.lock")


def test_an_old_python_goes_on_with_a_newer_one_that_works(tmp_path: Path) -> None:
    for name, script in (("python3.13", "exit 127"), ("python3.12", f'exec {sys.executable} "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    preparation = f"""
bootstrap.os.environ["PATH"] = {str(tmp_path)!r}
sys.version_info = (3, 9, 2, 'final', 0)
sys.argv = ["-c", "print('went on')"]
"""
    done = enter_after(preparation, tmp_path / "env")
    assert done.stdout == "went on\n"
