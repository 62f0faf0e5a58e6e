from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest

from catalog.database import Database
from catalog.errors import TerrainExists, TerrainNotFound
from catalog.models import Terrain
from catalog.repository.terrains import (
    Anchoring,
    NewTerrain,
    create_terrain,
    delete_terrain,
    find_terrain,
    fix_anchor,
    get_terrain,
    list_terrains,
    refresh_summary,
    set_lonlat_extent,
    update_terrain,
)
from catalog.repository.tiles import NewTile, delete_tile, register_tiles
from raster.grid import Extent


def names_of(database: Database, name_prefix: str | None = None, bbox: Extent | None = None) -> list[str]:
    with database.read() as session:
        page = list_terrains(session, limit=1000, name_prefix=name_prefix, bbox=bbox)
    return [terrain.name for terrain in page.items]


def read(database: Database, key: int | str = "alps") -> Terrain:
    with database.read() as session:
        return get_terrain(session, key)


def test_a_terrain_comes_back_as_it_was_created(database: Database) -> None:
    new = NewTerrain(
        name="alps", title="Älps", description="d", attribution="a", license="l", unit="m",
        vertical_datum="v", crs="EPSG:32632", anchor_transform=[10.0, 0.0, 5e5, 0.0, -10.0, 0.1],
        declared_x=-(2**53), declared_y=2**53, declared_width=2**40, declared_height=3,
        nodata=-9999.0, tile_size=2**31,
    )  # fmt: skip
    with database.write() as session:
        create_terrain(session, new)
    found = read(database)
    assert {field.name: getattr(found, field.name) for field in fields(new)} == {
        field.name: getattr(new, field.name) for field in fields(new)
    }
    assert (found.revision, found.tile_count, found.min_x, found.west) == (0, 0, None, None)


def test_a_taken_name_is_refused_and_the_session_goes_on(database: Database, alps: Terrain) -> None:
    with database.write() as session:
        with pytest.raises(TerrainExists) as refusal:
            create_terrain(session, NewTerrain(name="alps", title="other"))
        create_terrain(session, NewTerrain(name="andes"))
    assert refusal.value.name == "alps"
    assert names_of(database) == ["alps", "andes"]
    assert read(database).title is None


@pytest.mark.parametrize("name", ["", "Alps", "1alps", "al_ps", "alps ", "älps", "a" * 101])
def test_a_name_that_could_not_be_found_again_is_a_mistake(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="name"), database.write() as session:
        create_terrain(session, NewTerrain(name=name))


def test_one_of_many_racing_creators_wins(database: Database) -> None:
    def create(number: int) -> bool:
        try:
            with database.write() as session:
                create_terrain(session, NewTerrain(name="alps", title=str(number)))
        except TerrainExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


def test_a_terrain_is_found_by_id_digits_and_name(database: Database, alps: Terrain) -> None:
    for key in (alps.id, str(alps.id), "alps"):
        assert read(database, key).name == "alps"


@pytest.mark.parametrize(
    "key",
    ["nowhere", "", "0", 0, -1, "-1", "1 ", "٣", "²", "1" * 5000, 2**70, "a\x00", "\ud800", "alp", "alps%"],
)
def test_a_key_that_names_nothing_is_not_found(database: Database, alps: Terrain, key: int | str) -> None:
    with database.read() as session:
        assert find_terrain(session, key) is None
        with pytest.raises(TerrainNotFound) as missing:
            get_terrain(session, key)
    assert missing.value.terrain == key


@pytest.mark.parametrize("count", [1, 10, 500])
def test_a_page_takes_one_statement_however_long(
    database: Database, statements: list[str], new_tile: Callable[..., NewTile], count: int
) -> None:
    with database.write() as session:
        for number in range(count):
            terrain = create_terrain(session, NewTerrain(name=f"t{number}"))
            register_tiles(session, terrain, [new_tile()])
            refresh_summary(session, terrain)
    statements.clear()
    with database.read() as session:
        page = list_terrains(session, limit=1000, name_prefix="t")
    assert [terrain.tile_count for terrain in page.items] == [1] * count
    assert len(statements) == 1


def test_a_prefix_is_taken_to_the_letter(database: Database) -> None:
    names = ["a", "a-b", "a0", "a1b", "ab", "abc", "abd", "b", "ba", "z", "zz", "zz9"]
    with database.write() as session:
        for name in names:
            create_terrain(session, NewTerrain(name=name))
    for prefix in [
        *names,
        "",
        "a-",
        "zzz",
        "%",
        "_",
        "a%",
        "a_",
        "A",
        "ab%",
        "a{",
        "\x00",
        "\ud800",
        "ä",
        "9",
    ]:
        assert names_of(database, name_prefix=prefix) == [name for name in names if name.startswith(prefix)]


def test_words_change_and_those_not_named_stay(database: Database, alps: Terrain) -> None:
    with database.write() as session:
        update_terrain(session, get_terrain(session, "alps"), {"title": "The Alps", "unit": "m"})
    with database.write() as session:
        update_terrain(session, get_terrain(session, "alps"), {"title": None, "description": "high"})
    found = read(database)
    assert (found.title, found.unit, found.description) == (None, "m", "high")


@pytest.mark.parametrize(
    ("words", "counted"),
    [
        ({"title": "T"}, 1),
        ({"attribution": "A"}, 1),
        ({"license": "L"}, 1),
        ({"unit": "m", "vertical_datum": "EGM96"}, 1),
        ({"description": "D"}, 0),
        ({"title": None}, 0),
        ({}, 0),
    ],
)
def test_only_what_a_pyramid_repeats_is_a_new_revision(
    database: Database, alps: Terrain, words: dict[str, str | None], counted: int
) -> None:
    with database.write() as session:
        terrain = get_terrain(session, "alps")
        update_terrain(session, terrain, words)
    assert terrain.revision == read(database).revision == counted


@pytest.mark.parametrize("word", ["name", "revision", "crs", "colour"])
def test_what_is_no_word_cannot_be_changed(database: Database, alps: Terrain, word: str) -> None:
    with pytest.raises(ValueError, match=word), database.write() as session:
        update_terrain(session, get_terrain(session, "alps"), {word: "x"})


def test_the_moment_of_the_last_change_is_kept(database: Database, alps: Terrain) -> None:
    with database.write() as session:
        terrain = get_terrain(session, "alps")
        update_terrain(session, terrain, {"description": "high"})
    assert terrain.created_at == alps.created_at
    assert terrain.updated_at > alps.updated_at


def test_the_anchor_is_kept(database: Database, alps: Terrain) -> None:
    transform = [0.1, 0.0, -3.3, 0.0, -0.1, 1e-300]
    with database.write() as session:
        terrain = get_terrain(session, "alps")
        fix_anchor(session, terrain, Anchoring(transform=transform, crs="EPSG:4326"))
    for each in (terrain, read(database)):
        assert (each.anchor_transform, each.crs, each.revision) == (transform, "EPSG:4326", 0)
    with database.write() as session:
        fix_anchor(session, get_terrain(session, "alps"), Anchoring(transform=None, crs=None))
    assert (read(database).anchor_transform, read(database).crs) == (None, None)


def test_the_summary_is_that_of_the_tiles(
    database: Database, alps: Terrain, new_tile: Callable[..., NewTile]
) -> None:
    places = [(-30, 7, 20, 10), (5, -2, 3, 40), (0, 0, 1, 1)]
    with database.write() as session:
        other = create_terrain(session, NewTerrain(name="other"))
        register_tiles(session, other, [new_tile(x=-999, y=999)])
        terrain = get_terrain(session, "alps")
        register_tiles(
            session,
            terrain,
            [new_tile(url=f"{p}", x=p[0], y=p[1], width=p[2], height=p[3]) for p in places],
        )
        refresh_summary(session, terrain)
    for each in (terrain, read(database)):
        assert (each.tile_count, each.min_x, each.min_y, each.max_x, each.max_y) == (3, -30, -2, 8, 38)
        assert each.revision == 1


def test_the_summary_of_no_tiles_is_empty(
    database: Database, alps: Terrain, new_tile: Callable[..., NewTile]
) -> None:
    with database.write() as session:
        terrain = get_terrain(session, "alps")
        registered = register_tiles(session, terrain, [new_tile()])
        refresh_summary(session, terrain)
        delete_tile(session, registered.tiles[0])
        refresh_summary(session, terrain)
    found = read(database)
    assert (found.tile_count, found.min_x, found.min_y, found.max_x, found.max_y) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert found.revision == 2


def test_no_revision_is_lost_by_a_terrain_read_before(database: Database, alps: Terrain) -> None:
    def change(number: int) -> None:
        with database.write() as session:
            terrain = session.merge(alps, load=False)
            refresh_summary(session, terrain)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(12)))
    assert read(database).revision == 12


def test_a_deleted_terrain_is_gone_and_its_id_is_not_used_again(database: Database, alps: Terrain) -> None:
    with database.write() as session:
        delete_terrain(session, get_terrain(session, alps.id))
        assert find_terrain(session, "alps") is None
    with database.write() as session:
        assert create_terrain(session, NewTerrain(name="alps")).id > alps.id


def arc(west: int, east: int) -> set[int]:
    """Whole longitudes from west eastwards to east."""
    return {(west + step + 180) % 360 - 180 for step in range((east - west) % 360 + 1)}


def test_a_bbox_finds_what_it_touches_around_the_globe(database: Database) -> None:
    draw = random.Random(7)  # noqa: S311 - no secret
    longitudes = [draw.sample(range(-179, 180), 2) for _ in range(150)]
    latitudes = [sorted(draw.sample(range(-90, 91), 2)) for _ in range(150)]
    with database.write() as session:
        for number, ((west, east), (south, north)) in enumerate(zip(longitudes, latitudes, strict=True)):
            terrain = create_terrain(session, NewTerrain(name=f"t{number:03}"))
            set_lonlat_extent(session, terrain, Extent(west, south, east, north))
        create_terrain(session, NewTerrain(name="nowhere"))
    for _ in range(100):
        asked_west, asked_east = draw.sample(range(-179, 180), 2)
        asked_south, asked_north = sorted(draw.sample(range(-90, 91), 2))
        expected = [
            f"t{number:03}"
            for number, ((west, east), (south, north)) in enumerate(zip(longitudes, latitudes, strict=True))
            if arc(west, east) & arc(asked_west, asked_east) and south <= asked_north and north >= asked_south
        ]
        assert names_of(database, bbox=Extent(asked_west, asked_south, asked_east, asked_north)) == expected


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        (Extent(-180, -90, 180, 90), ["alps", "fiji", "globe"]),
        (Extent(0, -90, 360, 90), ["alps", "fiji", "globe"]),
        (Extent(170, -90, 190, 90), ["fiji", "globe"]),
        (Extent(-190, -90, -170, 90), ["fiji", "globe"]),
        (Extent(365, 40, 375, 50), ["globe", "alps"]),
        (Extent(20, 40, 30, 50), ["globe"]),
        (Extent(179.5, -18, 179.5, -18), ["fiji", "globe"]),
        (Extent(-179.5, -18, -179.5, -18), ["fiji", "globe"]),
    ],
)
def test_a_bbox_may_count_longitudes_beyond_the_antimeridian(
    database: Database, bbox: Extent, expected: list[str]
) -> None:
    places = {
        "alps": Extent(5, 44, 16, 48),
        "fiji": Extent(177, -20, -178, -16),
        "globe": Extent(-180, -90, 180, 90),
    }
    with database.write() as session:
        for name, place in places.items():
            set_lonlat_extent(session, create_terrain(session, NewTerrain(name=name)), place)
    assert names_of(database, bbox=bbox) == sorted(expected)


def test_a_terrain_may_lose_its_place_on_the_globe(database: Database, alps: Terrain) -> None:
    with database.write() as session:
        terrain = get_terrain(session, "alps")
        set_lonlat_extent(session, terrain, Extent(5, 44, 16, 48))
        set_lonlat_extent(session, terrain, None)
    assert names_of(database, bbox=Extent(-180, -90, 180, 90)) == []
    assert read(database).north is None
