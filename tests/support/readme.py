"""The README cut into what tests hold to the code: sections, tables, fenced blocks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """The README's text below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README has no section {title!r}"
    return found[1]


def rows(title: str) -> dict[str, list[str]]:
    """A section's table: the further cells of each row by what stands in backticks in its first."""
    lines = [line[2:-1].split(" | ") for line in section(title).splitlines() if line.startswith("| `")]
    return {first.strip("`"): [cell.strip() for cell in rest] for first, *rest in lines}


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
