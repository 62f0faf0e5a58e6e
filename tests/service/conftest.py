"""An installation for each test, on each kind of catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from installations import Installation, make_installation


@pytest.fixture
def installation(tmp_path: Path, catalogue_url: str) -> Installation:
    return make_installation(tmp_path, catalogue_url)
