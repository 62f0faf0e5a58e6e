"""Styles in addresses: what they mean, and what is refused with which words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readme import rows
from service.rendering.errors import StyleParameterInvalid, StyleUnknown
from service.rendering.style_words import DEFAULT_STYLE, STYLES, parameters_of, parse_style
from service.rendering.styles import HeightCode, Hillshade, Ramp, Rescale, Slope


def test_without_a_name_it_is_the_default() -> None:
    assert parse_style(None) == DEFAULT_STYLE == parse_style("viridis")


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("terrain", Ramp(name="terrain")),
        ("viridis;rescale=0,4000", Ramp(name="viridis", rescale=Rescale(low=0, high=4000))),
        ("grey;rescale=100,-100.5", Ramp(name="grey", rescale=Rescale(low=100, high=-100.5))),
        ("hillshade", Hillshade()),
        (
            "hillshade;altitude=30;azimuth=0;exaggeration=2.5",
            Hillshade(azimuth=0, altitude=30, exaggeration=2.5),
        ),
        ("slope;rescale=0,45", Slope(rescale=Rescale(low=0, high=45))),
        ("terrain-rgb;border=1", HeightCode(name="terrain-rgb", border=1)),
        ("terrarium;nodata_height=-9999", HeightCode(name="terrarium", nodata_height=-9999)),
    ],
)
def test_a_style_is_read(text: str, style: object) -> None:
    assert parse_style(text) == style
    assert parse_style(str(style)) == style


@pytest.mark.parametrize(
    ("text", "halo", "smooth", "encoding"),
    [
        ("viridis", 0, False, None),
        ("hillshade", 1, True, None),
        ("slope", 1, True, None),
        ("terrain-rgb", 0, True, "mapbox"),
        ("terrain-rgb;border=1", 1, True, "mapbox"),
        ("terrarium;border=0", 0, True, "terrarium"),
    ],
)
def test_a_style_says_what_it_needs(text: str, halo: int, smooth: bool, encoding: str | None) -> None:
    style = parse_style(text)
    assert (style.halo, style.smooth, style.encoding) == (halo, smooth, encoding)


@pytest.mark.parametrize("text", ["", "Viridis", "jet", "viridis ", "hillshade,azimuth=3", "x" * 5000])
def test_an_unknown_style_is_refused_naming_those_there_are(text: str) -> None:
    with pytest.raises(StyleUnknown) as refused:
        parse_style(text)
    assert refused.value.known == STYLES
    assert "terrain-rgb" in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "parameter", "says"),
    [
        ("viridis;azimuth=3", "azimuth", "there are rescale"),
        ("hillshade;rescale=0,1", "rescale", "azimuth, altitude, exaggeration"),
        ("hillshade;azimuth=1;azimuth=2", "azimuth", "give it once"),
        ("hillshade;azimuth=361", "azimuth", "from 0 to 360"),
        ("hillshade;altitude=-1", "altitude", "from 0 to 90"),
        ("hillshade;exaggeration=0", "exaggeration", "from 0.001 to 1000"),
        ("hillshade;azimuth=nan", "azimuth", "finite"),
        ("hillshade;azimuth=1_0", "azimuth", "finite"),
        ("hillshade;azimuth=٤٥", "azimuth", "finite"),
        ("hillshade;azimuth= 10", "azimuth", "finite"),
        ("hillshade;azimuth", "azimuth", "finite"),
        ("hillshade;", "", "azimuth"),
        ("viridis;rescale=5", "rescale", "low,high such as 0,4000"),
        ("viridis;rescale=5,5", "rescale", "different"),
        ("viridis;rescale=0,inf", "rescale", "finite"),
        ("viridis;rescale=-1e308,1e308", "rescale", "finite distance"),
        ("viridis;rescale=0,1,2", "rescale", "low,high"),
        ("terrain-rgb;border=2", "border", "0 or 1"),
        ("terrain-rgb;border=-1", "border", "0 or 1"),
        ("terrain-rgb;nodata_height=-10001", "nodata_height", "from -10000 to 1667721.5"),
        ("terrarium;nodata_height=40000", "nodata_height", "from -32768 to 32767.996"),
        ("terrarium;quality=80", "quality", "border, nodata_height"),
    ],
)
def test_a_parameter_that_cannot_be_honoured_is_named_with_its_limit(
    text: str, parameter: str, says: str
) -> None:
    with pytest.raises(StyleParameterInvalid) as refused:
        parse_style(text)
    assert refused.value.parameter == parameter
    assert refused.value.style == text.split(";", maxsplit=1)[0]
    assert says in refused.value.reason


@given(st.text(max_size=40))
def test_any_words_are_a_style_or_are_refused(words: str) -> None:
    for text in (words, f"hillshade;{words}", f"viridis;rescale={words}", f"terrain-rgb;{words}"):
        try:
            style = parse_style(text)
        except (StyleUnknown, StyleParameterInvalid):
            continue
        assert parse_style(str(style)) == style


@given(st.floats(-10000, 1667721.5), st.sampled_from([0, 1]))
def test_every_style_has_one_spelling(nodata_height: float, border: int) -> None:
    style = HeightCode(name="terrain-rgb", border=border, nodata_height=nodata_height)
    assert parse_style(str(style)) == style


def test_the_readme_tells_of_every_style_and_its_parameters() -> None:
    table = rows("Maps")
    assert tuple(table) == STYLES
    for name, (_, parameters) in table.items():
        told = set(re.findall(r"`([a-z_]+)(?:=[^`]*)?`", parameters))
        assert set(parameters_of(name)) <= told, name
