"""The command line: `ziggurat`. Each command parses, calls a use-case and prints; errors leave by `main`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError

from catalog.errors import CatalogError
from catalog.models import Terrain
from catalog.repository import terrains
from raster.errors import RasterError
from service.app import create_app
from service.builds import build_pyramid, find_fresh
from service.console import print_error, print_info, print_json, print_terrains, progress_bar, tell
from service.creation import TerrainOrder, create_terrain
from service.errors import RegistrationRefused, ServiceError
from service.house import House, open_house
from service.pyramid_states import get_state, list_states
from service.registration import TileOrder, register_tiles
from service.routes.pyramids import describe as describe_pyramid
from service.routes.terrains import describe as describe_terrain
from service.schemas import NewTerrainBody, PyramidBody
from service.settings import Settings
from service.source_names import expand_sources

EXIT_REFUSED = 1
"""The command understood you, and cannot do it."""

EXIT_USAGE = 2
"""The command line or a setting is wrong; typer's own code, too."""

app = typer.Typer(
    name="ziggurat",
    help="Terrain pyramids: register scattered elevation tiles, build zoom levels, serve them.\n\n"
    "Settings come from ZIGGURAT_* environment variables; the README lists them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

TerrainName = Annotated[str, typer.Argument(help="The terrain's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def _open_house() -> House:
    house = open_house(Settings())
    house.database.migrate()
    return house


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (ZIGGURAT_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (ZIGGURAT_PORT).")] = None,
) -> None:
    """Serve terrains, zoom levels and statistics over REST."""
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = Settings().model_copy(update=given)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        server_header=False,
        timeout_graceful_shutdown=20,
    )


@app.command()
def migrate() -> None:
    """Create the catalogue, or bring its schema up to this version. The other commands do it, too."""
    house = _open_house()
    tell(f"The catalogue {house.database.describe()} is up to date.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and dashes; never changes.")],
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    description: Annotated[str | None, typer.Option()] = None,
    attribution: Annotated[str | None, typer.Option(help="Whom to credit.")] = None,
    license: Annotated[str | None, typer.Option()] = None,
    unit: Annotated[str | None, typer.Option(help='Of the heights, e.g. "m".')] = None,
    vertical_datum: Annotated[str | None, typer.Option()] = None,
    crs: Annotated[str | None, typer.Option(help="For tiles whose files name none, e.g. EPSG:31287.")] = None,
    nodata: Annotated[float | None, typer.Option(help="Sentinel of tiles whose files name none.")] = None,
    tile_size: Annotated[int | None, typer.Option(min=1, help="x and y of tiles are then indices.")] = None,
    exist_ok: Annotated[bool, typer.Option(help="Succeed when the terrain is there already.")] = False,
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
        typer.Argument(help="Files, folders or patterns; relative ones are sought in the tile roots, too."),
    ],
    x: Annotated[int | None, typer.Option(help="Column of a single tile's upper-left cell.")] = None,
    y: Annotated[int | None, typer.Option(help="Row of a single tile's upper-left cell.")] = None,
    priority: Annotated[int, typer.Option(help="Higher ones win where tiles overlap.")] = 0,
    nodata: Annotated[float | None, typer.Option(help="Sentinel, instead of the files' own.")] = None,
    create: Annotated[bool, typer.Option("--create", help="Create the terrain if it is not there.")] = False,
    json: AsJson = False,
) -> None:
    """Register tiles, all or none. Registering a source again replaces that tile."""
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
    tell(f"{len(done.tiles)} tiles registered; terrain {terrain} is at revision {done.revision}.")
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
            page = terrains.list_terrains(session, limit=1000, after=after, name_prefix=prefix, bbox=None)
        yield from page.items
        if page.next is None:
            return
        after = page.next


@app.command()
def info(terrain: TerrainName, json: AsJson = False) -> None:
    """Tell everything of one terrain: its grid, its tiles' extent, how its pyramids stand."""
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
    metric: Annotated[str, typer.Option(help="One or more, separated by commas.")] = "max",
    again: Annotated[bool, typer.Option(help="Build also what is up to date.")] = False,
    json: AsJson = False,
) -> None:
    """Build pyramids and publish them; what is up to date is left as it is."""
    house = _open_house()
    built = [_build_one(house, terrain, name.strip(), again=again, quiet=json) for name in metric.split(",")]
    if json:
        print_json({"pyramids": built})


def _build_one(house: House, terrain: str, metric: str, *, again: bool, quiet: bool) -> PyramidBody:
    house.metrics.get(metric)
    is_built = not again and find_fresh(house, terrain, metric) is not None
    if not is_built:
        with progress_bar(f"{terrain} {metric}", quiet=quiet) as advance:
            build_pyramid(house, terrain, metric, advance)
    state = describe_pyramid(house, get_state(house, None, terrain, metric))
    if not quiet:
        did = "is up to date" if is_built else "is built"
        size = f"{state.level_count} levels, {state.byte_count} bytes"
        tell(f"{terrain} {metric} {did}: {size} in {state.store_url}")
    return state


def main() -> None:
    """Run the command line; every error that is not a bug is one clear line and an exit code."""
    try:
        app(standalone_mode=True)
    except RegistrationRefused as error:
        print_error(str(error), [str(reason) for reason in error.reasons])
    except (RasterError, CatalogError, ServiceError) as error:
        print_error(str(error))
    except ValidationError as error:
        print_error(
            "a setting or argument is wrong",
            [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()],
        )
        sys.exit(EXIT_USAGE)
    else:
        return
    sys.exit(EXIT_REFUSED)
