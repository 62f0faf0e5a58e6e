"""`ziggurat create` and `ziggurat add`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalog.repository import terrains
from service.bodies import terrain_body
from service.commands.opening import AsJson, TerrainName, open_installation
from service.console import print_json, progress_bar, tell
from service.creation import TerrainOrder, create_terrain
from service.house import House
from service.schemas import NewTerrainBody


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
        list[str] | None,
        typer.Argument(
            help="Files, folders or patterns below the tile root (ZIGGURAT_TILE_ROOT); relative ones are "
            "sought in the current folder, then in the tile root."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A table of tiles instead: .ndjson or .csv, a row a tile, as many as there are.",
        ),
    ] = None,
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
    # what reads tiles takes a moment that the other commands need not wait
    from service.commands.tables import add_table, table_kind_of, tell_registered  # noqa: PLC0415
    from service.registration import register_tiles  # noqa: PLC0415
    from service.source_names import expand_sources  # noqa: PLC0415
    from service.tile_orders import TileOrder  # noqa: PLC0415

    if table is not None:
        _refuse_beside_table(sources, x, y, priority, nodata)
        kind = table_kind_of(table)
        house = open_installation()
        if create:
            _create_if_missing(house, terrain)
        add_table(house, terrain, table, kind, as_json=json)
        return
    if not sources:
        raise typer.BadParameter("name sources, or a --table of them")
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
    tell_registered(terrain, len(done.tiles), done.revision, origin_moved=done.origin_moved)


def _refuse_beside_table(
    sources: list[str] | None, x: int | None, y: int | None, priority: int, nodata: float | None
) -> None:
    if sources or priority or any(given is not None for given in (x, y, nodata)):
        raise typer.BadParameter(
            "a --table says everything of its tiles; give no sources, --x, --y, --priority "
            "or --nodata beside it"
        )


def _create_if_missing(house: House, name: str) -> None:
    with house.database.read() as session:
        known = terrains.find_terrain(session, name)
    if known is None:
        create_terrain(house, TerrainOrder(name=NewTerrainBody(name=name).name))
