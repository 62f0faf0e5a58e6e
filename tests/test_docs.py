"""The documentation is held to the code: its tables, its map, its decision records, what it may not name."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from raster.cells import SOURCE_DTYPES
from raster.metrics.registry import built_in_metrics
from raster.sources.formats import KNOWN_SUFFIXES
from readme import README, ROOT, blocks, rows, section
from service.app import create_app
from service.cli import app
from service.settings import Settings
from viewer_modules import viewer_modules

DECISIONS = sorted((ROOT / "docs" / "decisions").iterdir())
PACKAGES = ("raster", "catalog", "service")

MADE_BY_COMMANDS = (
    "data/catalog.db",
    "data/pyramids",
    "data/cache",
    "data/spool",
    "service/viewer/packages",
    "data/tile/massif",
    "deploy/.env",
    "service/viewer/packages",
)
"""Paths that documentation names and a fresh clone does not have."""


# Tables


def test_every_setting_is_in_the_table_with_its_default() -> None:
    table = {name.removeprefix("ZIGGURAT_").lower(): cells for name, cells in rows("Settings").items()}
    assert table.keys() == Settings.model_fields.keys()
    written = {name: default.strip("`") for name, (default, _) in table.items()}
    assert written.pop("build_workers") == "the cores"
    assert written.pop("memory_budget") == "a quarter of the machine's, at least 1 GiB"
    assert written.pop("metrics") == written.pop("cors_origins") == "none"
    assert written.pop("allowed_hosts") == "the machine's own names on a loopback address, elsewhere any"
    assert written.pop("sources") == "public addresses, without credentials"
    assert written.pop("log") == "text on a terminal, else JSON"
    assert written.pop("dask_scheduler") == "unset: threads"
    assert Settings.model_fields["dask_scheduler"].default is None
    assert written.pop("max_builds") == "unset: no bound"
    assert Settings.model_fields["max_builds"].default is None
    defaults = {name: field.default for name, field in Settings.model_fields.items() if name in written}
    assert Settings.model_validate(written).model_dump(include=set(written)) == defaults


def test_every_command_and_option_is_in_the_table() -> None:
    commands = dict(commands_of(typer.main.get_group(app), "ziggurat"))
    table = rows("Command line")
    assert table.keys() == commands.keys()
    for name, command in commands.items():
        options = {param.opts[0] for param in command.params if param.param_type_name == "option"}
        assert set(re.findall(r"--[a-z-]+", table[name][1])) == options - {"--help"}, name


def commands_of(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Commands with the words that call them; a group is none."""
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def test_every_route_and_query_parameter_is_in_the_table() -> None:
    table = {re.sub(r"\{\w+\}", "{}", route): " ".join(cells) for route, cells in rows("REST").items()}
    routes = {
        re.sub(r"\{\w+\}", "{}", f"{method.upper()} {path}"): operation.get("parameters", [])
        for path, methods in create_app(Settings()).openapi()["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    }
    assert table.keys() == routes.keys()
    for route, parameters in routes.items():
        missing = [
            p["name"] for p in parameters if p.get("in") == "query" and f"{p['name']}=" not in table[route]
        ]
        assert not missing, route


def test_file_kinds_dtypes_and_metrics_are_those_of_the_code() -> None:
    kinds = [line for line in section("Your own tiles").splitlines() if line.startswith("| `.")]
    suffixes = {suffix for line in kinds for suffix in re.findall(r"`(\.\w+)`", line.split(" | ")[0])}
    assert suffixes == set(KNOWN_SUFFIXES)
    assert f"dtypes: {', '.join(SOURCE_DTYPES)}." in README
    assert f"({', '.join(f'`{metric.name}`' for metric in built_in_metrics())})" in README


# The map, paths and what may not be named


def test_the_map_shows_every_file_and_no_other() -> None:
    real = {path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    real |= set(viewer_modules())
    folders = {folder for path in real for folder in path.relative_to(ROOT).parents} - {Path()}
    files = {str(path.relative_to(ROOT)) for path in real if path.name != "__init__.py"}
    assert set(mapped_paths()) == files | {f"{folder}/" for folder in folders}


def mapped_paths() -> Iterator[str]:
    """Paths on the map, folders with a slash at the end; two spaces of indentation are one folder down."""
    above: list[str] = []
    for line in blocks(section("Map of the house"))[0][1].splitlines():
        name = line.split()[0]
        if re.fullmatch(r"\w+(/|\.py|\.js)", name):
            del above[(len(line) - len(line.lstrip())) // 2 :]
            yield "".join([*above, name])
            above.append(name)


def tracked_texts() -> dict[str, str]:
    """Text of every tracked file but the binary ones."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a clone: what is tracked cannot be told")
    # a clone that belongs to another user is fine to list
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    contents = {name: (ROOT / name).read_bytes() for name in listed.split("\0") if (ROOT / name).is_file()}
    return {name: content.decode() for name, content in contents.items() if b"\0" not in content}


def test_documents_name_only_paths_that_exist() -> None:
    documents = {name: text for name, text in tracked_texts().items() if name.endswith(".md")}
    assert "README.md" in documents
    for name, text in documents.items():
        for path in re.findall(
            r"(?<![\w/.-])(?:raster|catalog|service|scripts|tests|docs|data|deploy)/[\w/.-]*", text
        ):
            exists = path.startswith(MADE_BY_COMMANDS) or (ROOT / path.rstrip(".")).exists()
            assert exists, f"{name} names {path}"


@pytest.mark.parametrize(
    "forbidden",
    [
        r"\b(pypi|pythonhosted|npmjs|anaconda)\.(org|com)\b",
        r"(?<![\w.~}-])/(home|root|work|Users|tmp|var|opt)/",
    ],
    ids=["package registries", "paths of a machine"],
)
def test_no_tracked_file_names(forbidden: str) -> None:
    named = {
        name: found[0] for name, text in tracked_texts().items() if (found := re.search(forbidden, text))
    }
    assert not named


@pytest.mark.parametrize("record", DECISIONS, ids=lambda path: path.name)
def test_a_decision_record_has_its_four_parts(record: Path) -> None:
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]} ")
    parts = re.findall(r"^\*\*(\w+)\.\*\* \S", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequence", "Rejected"]


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [record.name[:5] for record in DECISIONS] == [f"{n:04}-" for n in range(1, len(DECISIONS) + 1)]
