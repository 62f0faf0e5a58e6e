"""The terrains that tests look at in a browser."""

from __future__ import annotations

import httpx
import numpy as np
from affine import Affine

from installations import Installation, save_geotiff
from rest import add_golden, add_terrain

PEAKS = Affine(30, 0, 600_000, 0, -30, 5_240_000)
"""In UTM zone 32N."""
SHAPE = 500, 700
NODATA = -32768
MANY = 30


def peaks() -> np.ndarray:
    """Hills in whole metres, and a lake without heights."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    waves = np.sin(cols / 47) * np.cos(rows / 61) + 0.4 * np.sin((cols + rows) / 19)
    cells: np.ndarray = np.rint(1500 + 700 * waves).astype(np.int16)
    cells[(rows - 380) ** 2 + (cols - 180) ** 2 < 45**2] = NODATA
    return cells


def add_terrains(installation: Installation, client: httpx.Client) -> None:
    """With a CRS and without, built and not, and more than fit on a page of the list."""
    add_golden(installation, client)
    save_geotiff(installation.tiles / "peaks.tif", peaks(), transform=PEAKS, nodata=NODATA)
    add_terrain(client, "peaks", {"url": "peaks.tif"}, title="Peaks and a lake", unit="m")
    for number in range(MANY):
        add_terrain(client, f"survey-{number:02}", title=f"Survey {number}")
    for terrain, metric in (("golden", "max"), ("peaks", "max"), ("peaks", "mean")):
        answer = client.post(f"/terrain/{terrain}/pyramid/{metric}", headers={"Prefer": "wait=30"})
        assert answer.status_code == 200, answer.text
