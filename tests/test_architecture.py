"""The house holds: arrows point down, and the linter that says so catches a violation when one is planted."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("raster", "catalog", "service")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"

IGNORED = shutil.ignore_patterns("__pycache__", "packages")
"""Caches, and what `scripts/viewer` may be fetching at the moment."""

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and of the rules over them."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=IGNORED)
    return copy


def lint(house: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-logo", "--cache-dir", ".cache", "--contract", contract]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)


CONTRACTS = ("floors", "raster", "catalog", "use-cases", "inside-raster")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_house_keeps_its_contracts(house: Path, contract: str) -> None:
    done = lint(house, contract)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        ("floors", "raster/grid.py", "import catalog.errors"),
        ("floors", "catalog/errors.py", "import service.errors"),
        ("raster", "raster/cells.py", "import sqlalchemy"),
        ("raster", "raster/sources/__init__.py", "import pydantic_settings"),
        ("catalog", "catalog/models.py", "import zarr"),
        ("catalog", "catalog/models.py", "import raster.cells"),
        ("use-cases", "service/builds.py", "import fastapi"),
        ("use-cases", "service/registration.py", "import service.routes.terrains"),
        ("inside-raster", "raster/cells.py", "import raster.pyramid"),
        ("inside-raster", "raster/statistics.py", "import raster.sources.opening"),
    ],
)
def test_a_planted_violation_is_caught(house: Path, contract: str, module: str, line: str) -> None:
    planted = house / module
    before = planted.read_text()
    planted.write_text(f"{before}\n{line}\n")
    try:
        done = lint(house, contract)
    finally:
        planted.write_text(before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 broken" in done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_short(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    too_long = {name: length for name, length in function_lengths(text) if length > LONGEST_FUNCTION}
    assert not too_long


def function_lengths(text: str) -> Iterator[tuple[str, int]]:
    """Name and lines of the body, without docstring, of every function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = 1 if ast.get_docstring(node) is not None else 0
            body = node.body[start:]
            last = body[-1].end_lineno if body else None
            yield node.name, (last - body[0].lineno + 1) if last else 0


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_opens_with_a_docstring_and_imports_nothing(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_tests_are_no_packages_that_would_shadow_the_real_ones() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_command_is_named_like_a_package() -> None:
    assert not {path.stem for path in (ROOT / "scripts").iterdir()} & set(PACKAGES)
