"""The viewer's house: modules stay short, and arrows between them point one way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

from service.rendering.ramps import RAMPS, palette
from service.viewer_files import FOLDER
from viewer_modules import imports_of, viewer_modules

MODULES = viewer_modules()
LONGEST_MODULE = 300

FLOORS: Mapping[str, set[str]] = {
    "": {"base", "list", "terrain"},
    "terrain": {"base", "list", "terrain", "cells", "map"},
    "list": {"base", "list"},
    "cells": {"base", "cells"},
    "map": {"base", "map"},
    "base": {"base"},
}
"""Folders, and those that their modules import from."""

every_module = pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: path.relative_to(FOLDER).as_posix()
)


def floor_of(module: Path) -> str:
    return module.relative_to(FOLDER).as_posix().rpartition("/")[0]


@every_module
def test_a_module_is_short_and_says_what_it_is_for(module: Path) -> None:
    lines = module.read_text().splitlines()
    assert lines[0].startswith("// ")
    assert len(lines) <= LONGEST_MODULE


@every_module
def test_a_module_imports_from_its_own_floor_and_those_below(module: Path) -> None:
    for imported in imports_of(module):
        assert imported in MODULES
        assert floor_of(imported) in FLOORS[floor_of(module)]


def test_no_two_modules_need_each_other() -> None:
    order = list(TopologicalSorter({module: imports_of(module) for module in MODULES}).static_order())
    assert set(order) == set(MODULES)  # raises CycleError otherwise


@pytest.mark.parametrize(
    "path", [FOLDER / "index.html", *MODULES, *sorted(FOLDER.rglob("styles/*.css"))], ids=lambda p: p.name
)
def test_nothing_names_another_host(path: Path) -> None:
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text())
    assert set(addresses) <= {"http://www.w3.org"}


def test_colours_are_those_of_map_tiles() -> None:
    text = (FOLDER / "base" / "ramps.js").read_text()
    stops = {
        name: "".join(re.findall(r'"(.*?)"', words)).split()
        for name, words in re.findall(r'^  (\w+):((?:\s*"[0-9a-f ]+"[ +]*)+)', text, re.MULTILINE)
    }
    assert stops.keys() == set(RAMPS)
    for name, colours in stops.items():
        painted = palette(name)[1:]
        places = np.linspace(0, len(painted) - 1, len(colours)).round().astype(int)
        expected = np.array([list(bytes.fromhex(colour)) for colour in colours])
        # the table has 255 places, so a stop may lie between two
        assert np.abs(painted[places].astype(int) - expected).max() <= 12
