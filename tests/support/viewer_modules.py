"""The viewer's own modules, without the packages of others that lie beside them."""

from __future__ import annotations

import re
from pathlib import Path

from service.viewer_files import FOLDER

IMPORT = re.compile(r'^(?:import|export) .*?from "(.+?)";$', re.MULTILINE | re.DOTALL)


def viewer_modules() -> list[Path]:
    """In order."""
    return sorted(path for path in FOLDER.rglob("*.js") if "packages" not in path.relative_to(FOLDER).parts)


def imports_of(module: Path) -> list[Path]:
    """The modules that one names in its import statements."""
    return [(module.parent / name).resolve() for name in IMPORT.findall(module.read_text())]
