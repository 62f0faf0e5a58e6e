"""Encodings of heights: right within half a quantum, lossless, in metres."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pictures import decoded, heights_of
from service.rendering.errors import HeightUnitUnknown
from service.rendering.heights import Heights
from service.rendering.pictures import PICTURE_FORMS, render, render_blank
from service.rendering.style_words import parse_style

HALF_A_QUANTUM = {"terrain-rgb": 0.05, "terrarium": 1 / 512}
ROUNDING = 1e-9
"""Of the decoder's own float64."""

names = pytest.mark.parametrize("name", list(HALF_A_QUANTUM))
forms = pytest.mark.parametrize("form", PICTURE_FORMS)


def encoded(
    text: str,
    values: NDArray[np.floating],
    form: str = "png",
    *,
    unit: str | None = "m",
    valid: Any = True,
) -> bytes:
    where = np.broadcast_to(np.asarray(valid, dtype=bool), values.shape)
    cells = Heights(values=values, valid=where, low=None, high=None, unit=unit)
    return render(parse_style(text), cells, form)


@names
@forms
@given(
    arrays(np.float64, (4, 5), elements=st.floats(-10000, 9000))
    | arrays(np.float32, (4, 5), elements=st.floats(-10000, 9000, width=32))
)
def test_any_height_is_decoded_within_half_a_quantum(
    name: str, form: str, values: NDArray[np.floating]
) -> None:
    decoded_heights = heights_of(encoded(name, values, form), name)
    assert abs(decoded_heights - values).max() <= HALF_A_QUANTUM[name] + ROUNDING


@names
def test_heights_beyond_the_code_become_its_ends(name: str) -> None:
    ends = {"terrain-rgb": (-10000, 1667721.5), "terrarium": (-32768, 32767.99609375)}[name]
    values = np.array([[-1e30, 1e30]])
    np.testing.assert_allclose(heights_of(encoded(name, values), name), [ends], rtol=1e-9)


@names
@forms
def test_nodata_is_a_height_and_nothing_is_transparent(name: str, form: str) -> None:
    values = np.array([[np.nan, 12.5]])
    valid = [[False, True]]
    assert heights_of(encoded(name, values, form, valid=valid), name).tolist() == [[0, 12.5]]
    text = f"{name};nodata_height=-9999"
    content = encoded(text, values, form, valid=valid)
    assert heights_of(content, name).tolist() == [[-9999, 12.5]]
    assert (decoded(content)[..., 3] == 255).all()


@names
@forms
def test_a_blank_tile_is_all_nodata_height(name: str, form: str) -> None:
    content = render_blank(parse_style(f"{name};nodata_height=-20;border=1"), 256, form)
    heights = heights_of(content, name)
    assert heights.shape == (258, 258)
    assert (heights == -20).all()


@names
@pytest.mark.parametrize(
    ("unit", "metres"),
    [("m", 1), ("Metre", 1), ("ft", 0.3048), ("foot", 0.3048), ("US survey foot", 1200 / 3937), ("km", 1000)],
)
def test_other_units_are_converted_and_nodata_height_is_metres(name: str, unit: str, metres: float) -> None:
    values = np.array([[1.25, 7.5, 0.0]])
    text = f"{name};nodata_height=4"
    decoded_heights = heights_of(encoded(text, values, unit=unit, valid=[[True, True, False]]), name)
    expected = [[1.25 * metres, 7.5 * metres, 4]]
    np.testing.assert_allclose(decoded_heights, expected, atol=HALF_A_QUANTUM[name] + ROUNDING)


@names
@pytest.mark.parametrize(
    ("unit", "way_out"),
    [
        (None, "set the terrain's unit"),
        ("furlong", "set the terrain's unit"),
        ("degrees", "set the terrain's unit"),
        ("1", "take a metric of heights"),  # of the metric count
    ],
)
def test_heights_of_an_unknown_unit_are_refused_naming_it(name: str, unit: str | None, way_out: str) -> None:
    with pytest.raises(HeightUnitUnknown, match=way_out) as refused:
        encoded(name, np.zeros((2, 2)), unit=unit)
    assert refused.value.unit == unit


@names
def test_a_border_is_the_neighbours_cells(name: str) -> None:
    values = np.arange(25.0).reshape(5, 5)
    whole = heights_of(encoded(f"{name};border=1", values), name)
    np.testing.assert_allclose(whole, values, atol=1e-9)
