"""Ziggurat installed in a folder of its own, and its command line run in this process or in another."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import fsspec
import numpy as np
import pytest
import rasterio
from affine import Affine

from service.cli import run
from service.house import House, open_house
from service.settings import PREFIX, Settings
from service.source_settings import SourceSettings

COMMAND = (sys.executable, "-c", "from service.cli import main; main()")
"""`ziggurat` as a process of its own."""


@dataclass(frozen=True)
class Said:
    """What a command line answered."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """Standard output as JSON: one document and nothing else."""
        return json.loads(self.stdout)

    @property
    def complaint(self) -> str:
        """The one line of an error, which comes last; a bar of progress may be before it."""
        *progress, line = self.stderr.splitlines()
        assert line.startswith("error: ")
        assert all("━" in other for other in progress)
        return line


@dataclass(frozen=True)
class Installation:
    """Tiles in `tiles`; the catalogue and the store lie below `folder`, too, unless they are named."""

    folder: Path
    tiles: Path
    catalogue_url: str | None = None
    store_url: str | None = None

    @property
    def database_url(self) -> str:
        return self.catalogue_url or f"sqlite:///{self.folder / 'catalog.db'}"

    @property
    def store(self) -> str | Path:
        return self.store_url or self.folder / "pyramids"

    def needs_folders(self, why: str) -> None:
        """Skip a test that would say nothing where store and tiles lie in a bucket."""
        if self.store_url is not None:
            pytest.skip(why)

    @property
    def store_folder(self) -> Path:
        """The store of a test that looks into files of its own."""
        self.needs_folders("looks into the store's folder")
        return self.folder / "pyramids"

    def offer_tile(self, name: str) -> str:
        """The address of a tile of the folder: its name, or, beside a store in a bucket, an object there."""
        if self.store_url is None:
            return name
        url = f"{self.store_url.rpartition('/')[0]}/tiles/{name}"
        files, path = fsspec.url_to_fs(url, skip_instance_cache=True)
        files.put_file(str(self.tiles / name), path, ACL="public-read")
        return url

    def tile_file(self, name: str) -> Path:
        """The file of a tile that was offered, for a test that changes it."""
        self.needs_folders("changes a tile's file")
        return self.tiles / name

    @property
    def sources(self) -> dict[str, Any]:
        """What is allowed of sources elsewhere, as `ZIGGURAT_SOURCES` takes it: those that are offered."""
        if self.store_url is None:
            return {}
        access = {self.store_url.rpartition("/")[0]: {"endpoint": os.environ["AWS_ENDPOINT_URL"]}}
        return {"cache": str(self.folder / "cache"), "access": access}

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make a process this installation's."""
        return {
            f"{PREFIX}DATABASE_URL": self.database_url,
            f"{PREFIX}STORE_URL": str(self.store),
            f"{PREFIX}TILE_ROOT": str(self.tiles),
            f"{PREFIX}SPOOL": str(self.folder / "spool"),
            f"{PREFIX}SOURCES": json.dumps(self.sources),
        }

    def run(self, *arguments: str, **settings: str) -> Said:
        """A command line in this process; `settings` are names without prefix."""
        given = {f"{PREFIX}{name}": value for name, value in settings.items()}
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment | given),
            chdir(self.folder),
            redirect_stdout(stdout),
            redirect_stderr(stderr),
        ):
            code = run(arguments)
        return Said(code, stdout.getvalue(), stderr.getvalue())

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """A command line in a process of its own, still running."""
        given = {f"{PREFIX}{name}": value for name, value in settings.items()}
        places = [*filter(None, [os.environ.get("PYTHONPATH")]), str(Path(__file__).parent)]
        return subprocess.Popen(
            [*COMMAND, *arguments],
            # metrics of the tests' own are found there, too
            env=os.environ | self.environment | given | {"PYTHONPATH": os.pathsep.join(places)},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def settings(self, **changed: Any) -> Settings:
        """The settings of this installation in this process."""
        return Settings(
            database_url=self.database_url,
            store_url=self.store,
            tile_root=(self.tiles,),
            spool=self.folder / "spool",
            sources=SourceSettings.model_validate(self.sources),
        ).model_copy(update=changed)

    @contextmanager
    def house(self, **settings: Any) -> Iterator[House]:
        """The installation's use-cases in this process, its catalogue made; `settings` are changed ones."""
        house = open_house(self.settings(**settings))
        house.database.migrate()
        try:
            yield house
        finally:
            house.close()

    def stored_files(self) -> list[str]:
        """Every file of the store, relative to it."""
        store = self.store_folder
        return sorted(path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file())


def make_installation(
    folder: Path, catalogue_url: str | None = None, store_url: str | None = None
) -> Installation:
    """An installation with an empty folder of tiles."""
    tiles = folder / "tiles"
    tiles.mkdir()
    return Installation(folder, tiles, catalogue_url, store_url)


def save_geotiff(
    path: Path,
    cells: np.ndarray,
    *,
    transform: Affine,
    crs: str | None = "EPSG:32632",
    nodata: float | None = None,
    **options: Any,
) -> None:
    """A georeferenced tile on the disk."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=cells.shape[0],
        width=cells.shape[1],
        count=1,
        dtype=cells.dtype,
        transform=transform,
        crs=crs,
        nodata=nodata,
        **options,
    ) as raster:
        raster.write(cells, 1)
