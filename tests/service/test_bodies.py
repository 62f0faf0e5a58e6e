"""Pages are encoded straight from rows: byte for byte what their models would write."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalog.models import Tile
from catalog.repository.paging import Page
from catalog.repository.rows import columns_of
from catalog.repository.terrains import ListedTerrain
from catalog.repository.tiles import ListedTile
from service.bodies import terrain_body, terrain_page, tile_body, tile_page
from service.schemas import TerrainPage, TilePage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
words = st.none() | texts
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ids = st.integers(1, 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
cells = st.integers(-(2**40), 2**40)
lengths = st.integers(1, 2**40)
ground = st.floats(-1e15, 1e15)
transforms = st.lists(ground, min_size=6, max_size=6)

QUICK = settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
"""Where two texts differ is seen in any example; to look for the smallest one takes minutes."""

DECLARED = ("declared_x", "declared_y", "declared_width", "declared_height")
BOX = ("min_x", "min_y", "max_x", "max_y")
PLACE = ("west", "south", "east", "north")


@st.composite
def listed_terrains(draw: st.DrawFn) -> ListedTerrain:
    declared = st.tuples(cells, cells, lengths, lengths)
    box = declared.map(lambda of: (of[0], of[1], of[0] + of[2], of[1] + of[3]))
    drawn: dict[str, Any] = {}
    for names, values in (
        (DECLARED, declared),
        (BOX, box),
        (PLACE, st.tuples(finite, finite, finite, finite)),
    ):
        drawn |= dict(zip(names, draw(st.just((None,) * 4) | values), strict=True))
    rest = st.builds(
        ListedTerrain,
        id=ids,
        name=texts,
        **dict.fromkeys(("title", "description", "attribution", "license", "unit", "vertical_datum"), words),
        crs=words,
        anchor_transform=st.none() | transforms,
        nodata=st.none() | st.integers(-(2**64), 2**64) | finite,
        tile_size=st.none() | lengths,
        **dict.fromkeys(("revision", "tile_count"), st.integers(0, 2**40)),
        **dict.fromkeys(("created_at", "updated_at"), moments),
        **{name: st.just(value) for name, value in drawn.items()},
    )
    return draw(rest)


listed_tiles = st.builds(
    ListedTile,
    **dict.fromkeys(("id", "terrain_id"), ids),
    **dict.fromkeys(("x", "y", "priority"), cells),
    **dict.fromkeys(("width", "height", "size"), lengths),
    **dict.fromkeys(("url", "dtype"), texts),
    **dict.fromkeys(("scale", "offset"), finite),
    nodata=st.none() | st.integers() | finite | st.sampled_from([math.nan, math.inf, -math.inf]),
    mtime_ns=st.none() | st.integers(0, 2**62),
    etag=words,
    is_declared=st.booleans(),
)


@given(st.lists(listed_terrains(), max_size=3), words)
@QUICK
def test_a_page_of_terrains_is_what_its_model_writes(
    listed: list[ListedTerrain], following: str | None
) -> None:
    model = TerrainPage(terrains=[terrain_body(each) for each in listed], next=following)
    page = terrain_page(Page(listed, None), following)
    assert page == model.model_dump_json().encode()
    assert TerrainPage.model_validate_json(page).model_dump_json().encode() == page


@given(st.lists(listed_tiles, max_size=3), words)
@QUICK
def test_a_page_of_tiles_is_what_its_model_writes(listed: list[ListedTile], following: str | None) -> None:
    model = TilePage(tiles=[tile_body(Tile(**columns_of(each))) for each in listed], next=following)
    page = tile_page(Page(listed, None), following)
    assert page == model.model_dump_json().encode()
    assert TilePage.model_validate_json(page).model_dump_json().encode() == page
