"""The demo, as far as it can be tested without building mountains."""

from __future__ import annotations

import socket
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from make_massif import Range
from make_small_terrains import GOLDEN_EAST_X, small_terrains


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command as a module: it has no suffix."""
    loader = SourceFileLoader("demo", str(Path(__file__).parents[2] / "scripts" / "demo"))
    spec = spec_from_loader("demo", loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "demo", module)  # dataclasses look their module up
    loader.exec_module(module)
    monkeypatch.setattr(module, "HOST", "127.0.0.1")
    return module


def test_a_taken_port_is_named_with_the_setting_that_changes_it(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(demo, "PORT", port)
        with pytest.raises(SystemExit, match=rf"port {port}(?s:.*)ZIGGURAT_PORT="):
            demo._require_free_port()
    demo._require_free_port()


def test_the_demo_registers_every_tile_its_generators_make(demo: ModuleType) -> None:
    golden, ridge, massif = demo.TERRAINS
    assert massif.tile_count == len(Range().places())
    files = {addition[0]: addition for terrain in (golden, ridge) for addition in terrain.additions}
    assert files.keys() == small_terrains().keys()
    assert files["golden-east.npy"][2] == str(GOLDEN_EAST_X)
