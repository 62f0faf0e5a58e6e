"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def dem() -> Path:
    """Real elevation data: `ZIGGURAT_TEST_DEM`, else ../shared/dem; without it the test is skipped."""
    default = Path(__file__).parents[2] / "shared" / "dem"
    folder = Path(os.environ.get("ZIGGURAT_TEST_DEM", default))
    if not folder.is_dir():
        pytest.skip(f"no real elevation data in {folder.name}/ (ZIGGURAT_TEST_DEM)")
    return folder
