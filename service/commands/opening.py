"""What commands share: the installation they work on, and the arguments they all take."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from service.console import tell_aside
from service.house import House, open_house
from service.settings import Settings

TerrainName = Annotated[str, typer.Argument(help="The terrain's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, and nothing else.")]


def open_installation(given: Mapping[str, object] = MappingProxyType({})) -> House:
    """The installation, its catalogue prepared."""
    house = open_house(Settings().model_copy(update=dict(given)), keeps_connections=False)
    if house.database.prepare():
        tell_aside(f"Made a new catalogue: {house.database.describe()}")
    return house
