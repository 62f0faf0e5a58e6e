"""Pages of terrains and tiles: what they cost the catalogue, what is in them, what need not be sent again."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import insert

from catalog.models import Terrain, Tile
from installations import Installation
from rest import AppClient, add_golden, add_terrain
from service.schemas import TerrainPage, TilePage

MANY = 120
TILE = {
    "x": 0,
    "y": -1,
    "width": 1,
    "height": 1,
    "dtype": "int16",
    "scale": 1.0,
    "offset": 0.0,
    "south_up": False,
    "priority": 0,
    "size": 2,
    "block_height": 1,
    "block_width": 1,
}

TERRAINS = ["limit=5", "limit=1000", "limit=5&q=m", "limit=5&bbox=0,0,20,20", "limit=5&q=m&bbox=0,0,20,20"]
TILES = ["limit=5", "limit=1000", "limit=5&row=-1&col=0", "limit=5&bbox=0,0,20,20"]


def add_many(installation: Installation) -> None:
    """Terrains behind the one there is in the order of names, and tiles behind its own."""
    place = {"crs": "EPSG:4326", "west": 5.0, "south": 5.0, "east": 6.0, "north": 6.0}
    with installation.house() as house, house.database.write() as session:
        session.execute(insert(Terrain), [{"name": f"m{number:04}", **place} for number in range(MANY)])
        tiles = [{**TILE, "terrain_id": 1, "url": f"{number}.tif"} for number in range(MANY)]
        session.execute(insert(Tile), tiles)


def follow(client: AppClient, address: str, pages: int) -> str:
    """The address so many pages further."""
    for _ in range(pages):
        address = client.get(address).json()["next"]
    return address


@pytest.mark.parametrize(
    ("path", "queries", "count"), [("/terrain", TERRAINS, 1), ("/terrain/m/tile", TILES, 2)]
)
def test_one_terrain_a_first_page_and_a_deep_one_take_as_many_statements(
    client: AppClient,
    installation: Installation,
    statements: list[str],
    path: str,
    queries: list[str],
    count: int,
) -> None:
    add_terrain(client, "m", crs="EPSG:4326", extent={"left": 0, "bottom": 0, "right": 20, "top": 20})

    def cost(address: str) -> int:
        statements.clear()
        assert client.get(address).status_code == 200
        return len(statements)

    alone = [cost(f"{path}?{query}") for query in queries]
    add_many(installation)
    first = [cost(f"{path}?{query}") for query in queries]
    deep = [cost(follow(client, f"{path}?{query}", 20)) for query in queries if "1000" not in query]
    assert set(alone + first + deep) == {count}


def test_pages_are_what_their_models_write(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    add_many(installation)
    for address, model in (("/terrain?limit=9", TerrainPage), ("/terrain/golden/tile?limit=9", TilePage)):
        page = client.get(address).text
        assert model.model_validate_json(page).model_dump_json() == page


def test_a_page_tells_of_each_what_it_tells_itself(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    for terrain in client.get("/terrain").json()["terrains"]:
        itself = client.get(f"/terrain/{terrain['name']}").json()
        del itself["pyramids"]
        assert terrain == itself
    found = client.get("/terrain/golden/tile").json()["tiles"]
    assert [tile["url"].rpartition("/")[2] for tile in found] == ["west.npy", "east.npy"]
    assert found == [client.get(f"/terrain/tile/{tile['id']}").json() for tile in found]


def test_pages_of_tiles_are_not_sent_again_unless_they_changed(
    client: AppClient, installation: Installation
) -> None:
    add_golden(installation, client)
    address = "/terrain/golden/tile?limit=1"
    first = client.get(address)
    assert first.headers["link"] == f'<{first.json()["next"]}>; rel="next"'
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(address, headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    for change in (
        partial(client.patch, "/terrain/tile/1", json={"priority": 3}),
        partial(client.delete, "/terrain/tile/2"),
    ):
        assert change().is_success
        changed = client.get(address, headers=known)
        assert changed.status_code == 200
        known = {"If-None-Match": changed.headers["etag"]}


def test_pages_open_no_source(client: AppClient, installation: Installation) -> None:
    add_golden(installation, client)
    for file in installation.tiles.iterdir():
        file.unlink()
    for address in ("/terrain", "/terrain/golden/tile", "/terrain/golden/tile?row=0&col=0"):
        assert client.get(address).status_code == 200
