"""`ziggurat create` and `ziggurat add`."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.repository import terrains
from service.bodies import terrain_body
from service.commands.opening import AsJson, TerrainName, open_installation
from service.console import print_json, progress_bar, tell
from service.creation import TerrainOrder, create_terrain
from service.house import House
from service.inspection import TileOrder
from service.registration import register_tiles
from service.schemas import NewTerrainBody
from service.source_names import expand_sources


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
    house = open_installation()
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
        print_json(terrain_body(known))
    else:
        tell(f"Terrain {known.name} has id {known.id}.")


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
    house = open_installation()
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
