"""The command line: `ziggurat`. Each command parses, calls a use-case and prints; errors leave by `run`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated

import typer
from rasterio.errors import NotGeoreferencedWarning

from catalog.errors import CatalogUnavailable, SchemaOutdated
from catalog.models import Terrain
from catalog.repository import terrains
from service.build_commands import build_and_tell, tell_estimate, verify_and_tell
from service.command_errors import EXIT_INTERRUPTED, EXIT_REFUSED, EXIT_USAGE, EXPECTED, report
from service.console import (
    print_error,
    print_info,
    print_json,
    print_terrains,
    progress_bar,
    tell,
    tell_aside,
)
from service.creation import TerrainOrder, create_terrain
from service.house import House, open_house
from service.pyramid_states import list_states
from service.registration import TileOrder, register_tiles
from service.routes.pyramids import describe as describe_pyramid
from service.routes.terrains import describe as describe_terrain
from service.schemas import NewTerrainBody
from service.serving import serve_forever
from service.settings import Settings
from service.source_names import expand_sources
from service.verification import Thoroughness
from service.version import VERSION

PROGRAM = "ziggurat"

LIST_PAGE = 1000
"""Terrains one statement asks for."""

app = typer.Typer(
    name=PROGRAM,
    help="Terrain pyramids: register scattered elevation tiles, build zoom levels, serve them.\n\n"
    "Settings come from ZIGGURAT_* environment variables; the README lists them. Their relative "
    "paths, such as the default data/catalog.db, are taken from the current folder.\n\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage or setting, 130 interrupted.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

TerrainName = Annotated[str, typer.Argument(help="The terrain's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, and nothing else.")]


def _print_version(asked: bool) -> None:
    if asked:
        tell(f"{PROGRAM} {VERSION}")
        raise typer.Exit


@app.callback()
def program(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options of the program itself; without a command, tell what there is."""
    if context.invoked_subcommand is None:
        tell_aside(context.get_help())
        raise typer.Exit(EXIT_USAGE)


def _open_house(given: Mapping[str, object] = MappingProxyType({})) -> House:
    """The installation, its catalogue made or brought up to date if need be; else no lock is taken."""
    house = open_house(Settings().model_copy(update=dict(given)))
    try:
        house.database.check_revision()
    except (SchemaOutdated, CatalogUnavailable) as reason:
        house.database.migrate()
        if isinstance(reason, CatalogUnavailable) or reason.found is None:
            tell_aside(f"Made a new catalogue: {house.database.describe()}")
    return house


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (ZIGGURAT_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (ZIGGURAT_PORT).")
    ] = None,
) -> None:
    """Serve terrains, zoom levels and statistics over REST."""
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    _open_house().database.dispose()
    serve_forever(Settings().model_copy(update=given))


@app.command()
def migrate() -> None:
    """Create the catalogue, or update its schema.

    The other commands do it, too.
    """
    house = _open_house()
    tell(f"The catalogue {house.database.describe()} is up to date.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and dashes; never changes.")],
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    description: Annotated[str | None, typer.Option(help="More about it.")] = None,
    attribution: Annotated[str | None, typer.Option(help="Whom to credit.")] = None,
    license: Annotated[str | None, typer.Option(help='Of the data, e.g. "CC-BY-4.0".')] = None,
    unit: Annotated[str | None, typer.Option(help='Of the heights, e.g. "m".')] = None,
    vertical_datum: Annotated[
        str | None, typer.Option(help='What heights are measured from, e.g. "EGM2008".')
    ] = None,
    crs: Annotated[str | None, typer.Option(help="For tiles whose files name none, e.g. EPSG:31287.")] = None,
    nodata: Annotated[float | None, typer.Option(help="Sentinel of tiles whose files name none.")] = None,
    tile_size: Annotated[
        int | None, typer.Option(min=1, help="Cells a side; x and y of tiles then count tiles.")
    ] = None,
    exist_ok: Annotated[
        bool, typer.Option("--exist-ok", help="If the terrain is there, leave it as it is and succeed.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Create a terrain without tiles."""
    house = _open_house()
    words = NewTerrainBody(
        name=name,
        title=title,
        description=description,
        attribution=attribution,
        license=license,
        unit=unit,
        vertical_datum=vertical_datum,
        crs=crs,
        nodata=nodata,
        tile_size=tile_size,
    )
    with house.database.read() as session:
        known = terrains.find_terrain(session, name)
    if known is None or not exist_ok:
        known = create_terrain(house, TerrainOrder(**words.model_dump(exclude={"extent"})))
    if json:
        print_json(describe_terrain(known))
    else:
        tell(f"Terrain {known.name} has id {known.id}.")


@app.command()
def add(
    terrain: TerrainName,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders or patterns below the tile root (ZIGGURAT_TILE_ROOT); relative ones are "
            "sought in the current folder, then in the tile root."
        ),
    ],
    x: Annotated[
        int | None,
        typer.Option(help="Column of a single tile's upper-left cell, where the file does not say."),
    ] = None,
    y: Annotated[int | None, typer.Option(help="Row of it.")] = None,
    priority: Annotated[
        int, typer.Option(min=-(2**31), max=2**31 - 1, help="Higher ones win where tiles overlap.")
    ] = 0,
    nodata: Annotated[float | None, typer.Option(help="Sentinel, instead of the files' own.")] = None,
    create: Annotated[bool, typer.Option("--create", help="Create the terrain if it is not there.")] = False,
    json: AsJson = False,
) -> None:
    """Register tiles, all or none.

    Registering a source again replaces that tile.
    """
    house = _open_house()
    urls = expand_sources(house.roots, sources)
    if (x is not None or y is not None) and len(urls) != 1:
        raise typer.BadParameter(f"--x and --y place one tile, {len(urls)} were named")
    if create:
        _create_if_missing(house, terrain)
    orders = [TileOrder(url=url, x=x, y=y, priority=priority, nodata=nodata) for url in urls]
    with progress_bar("Looking at sources", quiet=json) as advance:
        done = register_tiles(house, terrain, orders, advance)
    if json:
        print_json({"tiles": [tile.id for tile in done.tiles], "revision": done.revision})
        return
    what = "1 tile" if len(done.tiles) == 1 else f"{len(done.tiles)} tiles"
    tell(f"{what} registered; terrain {terrain} is at revision {done.revision}.")
    if done.origin_moved:
        tell("Its upper-left cell moved: 2x2 blocks shift, the next build makes every level anew.")


def _create_if_missing(house: House, name: str) -> None:
    with house.database.read() as session:
        known = terrains.find_terrain(session, name)
    if known is None:
        create_terrain(house, TerrainOrder(name=NewTerrainBody(name=name).name))


@app.command("list")
def list_(
    prefix: Annotated[str | None, typer.Argument(help="Start of the name.")] = None,
    json: AsJson = False,
) -> None:
    """List terrains by name."""
    house = _open_house()
    found = list(_all_terrains(house, prefix))
    if json:
        print_json({"terrains": [describe_terrain(terrain) for terrain in found]})
    else:
        print_terrains([describe_terrain(terrain) for terrain in found])


def _all_terrains(house: House, prefix: str | None) -> Iterator[Terrain]:
    after: str | None = None
    while True:
        with house.database.read() as session:
            page = terrains.list_terrains(
                session, limit=LIST_PAGE, after=after, name_prefix=prefix, bbox=None
            )
        yield from page.items
        if page.next is None:
            return
        after = page.next


@app.command()
def info(terrain: TerrainName, json: AsJson = False) -> None:
    """Tell one terrain's size, extent and pyramids."""
    house = _open_house()
    with house.database.read() as session:
        found = terrains.get_terrain(session, terrain)
    states = [describe_pyramid(house, state) for state in list_states(house, None, found.id)]
    if json:
        print_json({"terrain": describe_terrain(found), "pyramids": states})
    else:
        print_info(describe_terrain(found), states)


@app.command()
def build(
    terrain: TerrainName,
    metric: Annotated[str, typer.Option(help="One or more, separated by commas, e.g. max,mean.")] = "max",
    again: Annotated[bool, typer.Option("--again", help="Build also what is up to date.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done and what it would take, no more.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler (ZIGGURAT_DASK_SCHEDULER).")
    ] = None,
    json: AsJson = False,
) -> None:
    """Build pyramids, several in one pass over the tiles, and publish them.

    What is up to date is left as it is; what a stopped build has finished is taken over.
    """
    names = _names(metric)
    if not names:
        raise typer.BadParameter("no metric is named", param_hint="--metric")
    house = _open_house({} if scheduler is None else {"dask_scheduler": scheduler})
    for name in names:
        house.metrics.get(name)
    if dry_run:
        tell_estimate(house, terrain, names, as_json=json)
    else:
        build_and_tell(house, terrain, names, again=again, as_json=json)


@app.command()
def verify(
    terrain: TerrainName,
    metric: Annotated[str | None, typer.Option(help="One or more; default: all that are built.")] = None,
    windows: Annotated[int, typer.Option(min=0, help="Windows of each level to compute anew.")] = 8,
    cell_budget: Annotated[
        int, typer.Option(min=1, help="Native cells under a window, beyond which the level below serves.")
    ] = 2**24,
    seed: Annotated[int, typer.Option(help="Of chance, which picks the windows.")] = 0,
    json: AsJson = False,
) -> None:
    """Check stored pyramids: every byte, and random windows against the sources.

    Exit code 1 when something is wrong.
    """
    thoroughness = Thoroughness(windows=windows, cell_budget=cell_budget, seed=seed)
    is_well = verify_and_tell(_open_house(), terrain, _names(metric), thoroughness, as_json=json)
    if not is_well:
        raise typer.Exit(EXIT_REFUSED)


def _names(listed: str | None) -> list[str]:
    """The metrics of an option, each once."""
    return list(dict.fromkeys(name.strip() for name in (listed or "").split(",") if name.strip()))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code. Every error that is no defect is one clear line."""
    # tiles without georeferencing are welcome, and a warning for each would bury what matters
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False)
    except EXPECTED as error:
        return report(error)
    if code == EXIT_INTERRUPTED:
        print_error("interrupted; finished shards are kept for the next build of this terrain")
    return code or 0


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run())
