"""The lock files: everything pinned and hashed, and nothing said about where it comes from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fetch_viewer import PINS as VIEWER
from matrix.environments import GROUPS, PROGRAMS, Group

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-peers.lock")
READERS = tuple(str(group.lock.relative_to(ROOT)) for group in GROUPS)


def pinned(lock: str) -> dict[str, str]:
    """Pin and hashes of each package by name; the text is one line each."""
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    packages = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return {package.partition("==")[0]: f"{package} {rest}" for package, rest in packages}


def declared(*groups: str) -> set[str]:
    """Names of the project's direct dependencies, with those of `groups`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *(each for g in groups for each in project["dependency-groups"][g]),
    ]
    return {canonicalize_name(Requirement(each).name) for each in wanted}


@pytest.mark.parametrize("lock", [*LOCKS, *READERS])
def test_no_host_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--[a-z-]*(index|find-links|host))", text, re.MULTILINE)


@pytest.mark.parametrize("lock", [*LOCKS, *READERS])
def test_every_requirement_is_pinned_and_hashed(lock: str) -> None:
    packages = pinned(lock)
    assert len(packages) > (30 if lock in LOCKS else 0)
    for requirement in packages.values():
        assert re.match(r"[a-z0-9-]+==[^ ]+ (;.*?)? *(--hash=sha256:[0-9a-f]{64} *)+$", requirement)


def test_the_locks_hold_what_the_project_declares() -> None:
    assert declared("build") <= pinned("requirements.lock").keys()
    assert declared("build", "test") <= pinned("requirements-test.lock").keys()
    assert declared("build", "peers") <= pinned("requirements-peers.lock").keys()


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_the_locks_of_readers_hold_what_their_groups_declare(group: Group) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {Requirement(each).name for each in project["dependency-groups"][f"reader-{group.name}"]}
    assert wanted <= pinned(str(group.lock.relative_to(ROOT))).keys()


@pytest.mark.parametrize("folder", [PROGRAMS, VIEWER, ROOT / "tests" / "viewer"], ids=lambda path: path.name)
def test_npm_s_lock_holds_what_is_declared_with_digests_and_no_address_of_a_package(folder: Path) -> None:
    declared_there = json.loads((folder / "package.json").read_text())["dependencies"]
    lock = json.loads((folder / "package-lock.json").read_text())
    own, *packages = lock["packages"].values()
    assert own["dependencies"] == declared_there
    assert {
        name: lock["packages"][f"node_modules/{name}"]["version"] for name in declared_there
    } == declared_there
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)


def test_tests_run_on_the_versions_that_users_get() -> None:
    run_time = pinned("requirements.lock")
    for lock in LOCKS[1:]:
        more = pinned(lock)
        assert {name: more.get(name) for name in run_time} == run_time
