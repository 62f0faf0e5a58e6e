"""The demo, in the environment that `scripts/demo` makes: make what is missing, tell what to open, serve.

Everything but serving runs in this process, because each `ziggurat` would need seconds to start.
Every step finds what is done already, so a run that was stopped is continued by the next.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import make_massif
import make_small_terrains
from bootstrap import ENVIRONMENT, ROOT
from fetch_viewer import fetch_packages
from own_environments import NotInstallable
from service.cli import run
from service.command_errors import CommandRefused, report
from service.commands.opening import open_installation
from service.serving import check_access, listen
from service.settings import Settings

ZIGGURAT = ENVIRONMENT / "bin" / "ziggurat"
SIZE = 8192


@dataclass(frozen=True)
class DemoTerrain:
    """A terrain of the demo; `additions` are the arguments of `ziggurat add`."""

    name: str
    title: str
    additions: tuple[tuple[str, ...], ...]
    metrics: tuple[str, ...]


TERRAINS = (
    DemoTerrain(
        name="golden",
        title="The worked example: 5 x 7 cells in two tiles",
        additions=(
            ("golden-west.npy", "--x", "0", "--y", "0"),
            ("golden-east.npy", "--x", "4", "--y", "0"),
        ),
        metrics=("max",),
    ),
    DemoTerrain(
        name="ridge",
        title="A ridge from a formula, without georeferencing",
        additions=(("ridge.npy", "--x", "0", "--y", "0"),),
        metrics=("max",),
    ),
    DemoTerrain(
        name="massif",
        title="Invented mountains; one tile is missing, a lake has no heights",
        additions=(("massif/*.tif",),),
        metrics=("max", "mean"),
    ),
)


@dataclass(frozen=True)
class Place:
    """Where the demo's catalogue, pyramids and tiles lie: the default settings' places in `data`."""

    data: Path

    @property
    def tiles(self) -> Path:
        return self.data / "tile"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "ZIGGURAT_DATABASE_URL": f"sqlite:///{self.data / 'catalog.db'}",
            "ZIGGURAT_STORE_URL": str(self.data / "pyramids"),
            "ZIGGURAT_TILE_ROOT": str(self.tiles),
        }


DESCRIPTION = """\
Show Ziggurat: three terrains, catalogued, their pyramids built, served on port 8080. A second run
finds everything done and serves at once; so does one after a run that was stopped half-way.
Whatever it makes lies under data/."""


def main() -> int:
    """Make what is missing, tell what to look at, serve; the exit code if it comes to an end."""
    given = _arguments()
    place = Place(given.data.absolute())
    # whatever the environment says, demo terrains never enter somebody's real catalogue
    os.environ.update(place.settings)
    os.chdir(ROOT)
    try:
        settings = Settings()
        if not given.no_serve:
            listen(settings.host, settings.port).close()
            if settings.requires_keys:  # better said now than when all is built
                check_access(open_installation())
    except (ValidationError, CommandRefused) as error:
        return report(error)
    _fetch_viewer()
    if not (_make_tiles(place, given.size) and all(_prepare(terrain) for terrain in TERRAINS)):
        print("The demo stops here.", file=sys.stderr)
        return 1
    _tell_what_to_open(place, settings, serves=not given.no_serve)
    if not given.no_serve:
        os.execv(ZIGGURAT, [str(ZIGGURAT), "serve"])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=DESCRIPTION)
    parser.add_argument("--no-serve", action="store_true", help="build everything, but do not serve")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "data", help="folder for everything it makes (default: data)"
    )
    parser.add_argument(
        "--size",
        type=int,
        default=SIZE,
        help="cells a side of the massif, a multiple of 64 (default: %(default)s)",
    )
    return parser.parse_args()


def _fetch_viewer() -> None:
    """Have the viewer draw maps, where npm is to be had."""
    try:
        fetch_packages()
    except NotInstallable as reason:
        print(f"The viewer shows cells only, since npm does not give its packages: {reason}", file=sys.stderr)


def _make_tiles(place: Place, size: int) -> bool:
    """Whether the tiles are there now."""
    if not all((place.tiles / name).is_file() for name in make_small_terrains.small_terrains()):
        make_small_terrains.main([str(place.tiles)])
    massif = ["--size", str(size), "--tile", str(size // 4)]
    return make_massif.main([str(place.tiles / "massif"), *massif]) == 0


def _prepare(terrain: DemoTerrain) -> bool:
    """Create, register and build; what was done before is found done. Whether it is done now."""
    commands = (
        ("create", terrain.name, "--title", terrain.title, "--unit", "m", "--exist-ok"),
        *(("add", terrain.name, *addition) for addition in terrain.additions),
        ("build", terrain.name, "--metric", ",".join(terrain.metrics)),
    )
    return all(_run(*command) for command in commands)


def _run(*arguments: str) -> bool:
    """Show a command line and run it; whether it succeeded."""
    print(f"\n$ ziggurat {shlex.join(arguments)}", flush=True)
    return run(arguments) == 0


def _ask(*arguments: str) -> Any:
    """What a command line answers in JSON."""
    answer = StringIO()
    with redirect_stdout(answer):
        run([*arguments, "--json"])
    return json.loads(answer.getvalue())


def _tell_what_to_open(place: Place, settings: Settings, *, serves: bool) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = f"http://{host}:{settings.port}"
    golden = f"{base}/terrain/{_ask('info', 'golden')['terrain']['id']}/pyramid/max"
    massif = f"{base}/terrain/massif/pyramid"
    tile_id = _ask("add", "golden", *TERRAINS[0].additions[0])["tiles"][0]
    store = _ask("info", "massif")["pyramids"][0]["store_url"]
    post = "curl -X POST -H 'Content-Type: application/json'"
    tile = '{"tiles": [{"url": "ridge.npy", "x": 0, "y": 0}]}'
    python = shlex.quote(str(ENVIRONMENT / "bin" / "python"))
    exports = "".join(f"  export {name}={shlex.quote(value)}\n" for name, value in place.settings.items())
    print(
        f"""
Everything is built{"" if serves else ", and served by scripts/demo without --no-serve"}.

Open {base}/ in a browser to look at the terrains, {base}/docs to try every request. Or in another shell:

  # the terrains, and one tile in numbers
  curl '{base}/terrain'
  curl '{base}/terrain/tile/{tile_id}/stats'

  # the worked example: its cells, then 2 x 2 to one by the maximum, until one is left
  curl '{golden}/0'
  curl '{golden}/1'
  curl '{golden}/2'
  curl '{golden}/3'

  # the top again, counted from there
  curl '{golden}/-1'

  # there is no level above it (answers 404)
  curl -i '{golden}/4'

  # not built yet: computed now, stored for later
  curl '{base}/terrain/ridge/pyramid/min/4'

  # the massif: what is built; a window of a level; a whole level as a numpy file
  curl '{massif}'
  curl '{massif}/mean/5?row=2&col=2&height=4&width=4'
  curl -o massif.npy '{massif}/max/3?f=npy'

  # a terrain of your own (answers 201; 409 if there is one): a .tif, .hgt, .asc, .png or .npy file in
  # {place.tiles}, such as ridge.npy; georeferenced ones need no x and y
  {post} -d '{{"name": "mine"}}' '{base}/terrain'
  {post} -d '{tile}' '{base}/terrain/mine/tile'

  # its pyramid, made when first asked for
  curl '{base}/terrain/mine/pyramid/mean/5'

  # the pyramid itself is Zarr: every level in xarray, without this service
  {python} -c "import xarray; print(xarray.open_datatree('{store}'))"

  # the same on the command line
{exports}  {shlex.quote(str(ZIGGURAT))} info massif
""",
        flush=True,
    )
