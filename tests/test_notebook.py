"""The notebook of the documentation runs, on a pyramid on the disk, in a bucket and behind the service."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from installations import Installation, make_installation
from rest import serve
from service.creation import TerrainOrder, create_terrain
from service.registration import register_tiles
from service.tile_orders import TileOrder
from terrains import UTM

ROOT = Path(__file__).parents[1]


def build(installation: Installation, cells: np.ndarray, **settings: str) -> None:
    np.save(installation.tiles / "hills.npy", cells)
    with installation.house() as house:
        create_terrain(house, TerrainOrder(name="hills", crs="EPSG:32633", anchor_transform=list(UTM[:6])))
        register_tiles(house, "hills", [TileOrder(url="hills.npy", x=0, y=0)])
    assert installation.run("build", "hills", "--metric", "max", **settings).code == 0


def test_it_runs_three_ways(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, cols = np.mgrid[:900, :1000]
    cells = (500 + 300 * np.sin(rows / 90) * np.cos(cols / 70)).astype(np.float32)
    for name in ("disk", "bucket"):
        (tmp_path / name).mkdir()
    on_disk, in_bucket = (make_installation(tmp_path / name) for name in ("disk", "bucket"))
    build(on_disk, cells)
    build(in_bucket, cells, STORE_URL=f"s3://{bucket}/pyramids")
    notebook = nbformat.read(ROOT / "docs" / "pyramid.ipynb", as_version=4)
    (parameters,) = (each for each in notebook.cells if "parameters" in each.metadata.get("tags", ()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MPLBACKEND", "agg")
    with serve(on_disk) as service:
        parameters.source = "\n".join(
            [
                f"FOLDER = {str(on_disk.folder / 'pyramids' / 'hills' / 'max')!r}",
                f"BUCKET = 's3://{bucket}/pyramids/hills/max'",
                f"SERVICE = '{service}/terrain/hills/pyramid/max'",
            ]
        )
        done = NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    last = done.cells[-1].outputs[0].data["text/plain"]
    assert last == "('4', {'y': 57, 'x': 63})"


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(ROOT / "docs" / "pyramid.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
