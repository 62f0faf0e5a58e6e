"""`ziggurat list` and `ziggurat info`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from catalog.repository import terrains
from catalog.repository.terrains import ListedTerrain
from service.bodies import pyramid_body, terrain_body
from service.commands.opening import AsJson, TerrainName, open_installation
from service.console import print_info, print_json, print_terrains
from service.house import House
from service.pyramid_states import list_states

LIST_PAGE = 1000
"""Terrains one statement asks for."""


def list_(
    prefix: Annotated[str | None, typer.Argument(help="Start of the name.")] = None,
    json: AsJson = False,
) -> None:
    """List terrains by name."""
    house = open_installation()
    found = list(_all_terrains(house, prefix))
    if json:
        print_json({"terrains": [terrain_body(terrain) for terrain in found]})
    else:
        print_terrains([terrain_body(terrain) for terrain in found])


def _all_terrains(house: House, prefix: str | None) -> Iterator[ListedTerrain]:
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


def info(terrain: TerrainName, json: AsJson = False) -> None:
    """Tell one terrain's size, extent and pyramids."""
    house = open_installation()
    with house.database.read() as session:
        found = terrains.get_terrain(session, terrain)
    states = [pyramid_body(house, state) for state in list_states(house, None, found.id)]
    if json:
        print_json({"terrain": terrain_body(found), "pyramids": states})
    else:
        print_info(terrain_body(found), states)
