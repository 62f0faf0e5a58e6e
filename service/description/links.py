"""What to do with an answer: links of OpenAPI, from what it holds to the operations that take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Following:
    """Operations that take what an answer holds."""

    operation: str
    status: int
    takes: Mapping[str, str]
    """Names of parameters, and where in the answer their values are."""
    by: tuple[str, ...]


_NAME = MappingProxyType({"terrain": "$response.body#/name"})
_FIRST_TILE = MappingProxyType({"tile_id": "$response.body#/tiles/0/id"})
_OWN_TILE = MappingProxyType({"tile_id": "$response.body#/id"})
_PYRAMID = MappingProxyType({"terrain": "$response.body#/terrain_id", "metric": "$response.body#/metric"})
_LEVEL = MappingProxyType({**_PYRAMID, "level": "$response.body#/levels/0/level"})
_TABLE = MappingProxyType({"terrain": "$response.body#/terrain_id", "registration": "$response.body#/id"})
_OF_TERRAINS = ("get_terrain", "patch_terrain", "post_tiles", "list_tiles", "list_pyramids", "delete_terrain")
_OF_TILES = ("get_tile", "patch_tile", "get_statistics", "delete_tile")
_OF_PYRAMIDS = ("get_pyramid", "order_build", "drop_pyramid")

FOLLOWING = (
    Following("post_terrain", 201, _NAME, _OF_TERRAINS),
    Following("post_tiles", 201, _FIRST_TILE, _OF_TILES),
    Following("post_tiles", 202, _TABLE, ("get_registration",)),
    Following("patch_tile", 200, _OWN_TILE, ("get_tile",)),
    Following("order_build", 200, _LEVEL, ("get_level",)),
    Following("order_build", 202, _PYRAMID, _OF_PYRAMIDS),
    Following("get_pyramid", 200, _PYRAMID, ("order_build",)),
)


def add_links(document: dict[str, Any]) -> None:
    """Add the links to a document."""
    operations = {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }
    for following in FOLLOWING:
        links = operations[following.operation]["responses"][str(following.status)].setdefault("links", {})
        for target in following.by:
            links[target] = {
                "operationId": operations[target]["operationId"],
                "parameters": dict(following.takes),
            }
