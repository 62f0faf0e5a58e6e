"""Pictures of heights: decodable, of the right size, nodata transparent, colours where the values are."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pictures import decoded, indices_of
from service.errors import FormatNotSupported
from service.rendering.errors import EncodingLossy
from service.rendering.heights import Heights
from service.rendering.images import PICTURE_TYPES
from service.rendering.pictures import PICTURE_FORMS, render, render_blank
from service.rendering.ramps import RAMPS, palette
from service.rendering.style_words import STYLES, parse_style

FORMS = list(PICTURE_FORMS)


def heights(
    values: Any, valid: Any = None, low: float | None = 0.0, high: float | None = 254.0, **more: Any
) -> Heights:
    array = np.asarray(values)
    return Heights(
        values=array,
        valid=np.ones(array.shape, dtype=bool) if valid is None else np.asarray(valid),
        low=low,
        high=high,
        **{"unit": "m", **more},
    )


def with_halo(text: str, height: int, width: int) -> NDArray[np.float32]:
    halo = parse_style(text).halo
    rng = np.random.default_rng(7)
    return rng.uniform(0, 2000, (height + 2 * halo, width + 2 * halo)).astype(np.float32)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [*STYLES, "terrain-rgb;border=1", "terrarium;border=1"])
@pytest.mark.parametrize("shape", [(256, 256), (7, 3), (1, 1)])
def test_every_style_is_a_picture_of_the_right_size(text: str, form: str, shape: tuple[int, int]) -> None:
    content = render(parse_style(text), heights(with_halo(text, *shape)), form)
    border = 2 if "border=1" in text else 0
    picture = decoded(content)
    assert picture.shape == (shape[0] + border, shape[1] + border, 4)
    assert (picture[..., 3] == 255).all()


@pytest.mark.parametrize("text", STYLES)
def test_both_forms_hold_the_same_colours(text: str) -> None:
    cells = with_halo(text, 40, 60)
    valid = np.random.default_rng(1).random(cells.shape) > 0.3
    png, webp = (decoded(render(parse_style(text), heights(cells, valid, high=2000), form)) for form in FORMS)
    seen = png[..., 3] > 0
    np.testing.assert_array_equal(seen, webp[..., 3] > 0)
    np.testing.assert_array_equal(png[seen], webp[seen])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [*RAMPS, "hillshade", "slope"])
def test_cells_without_a_value_are_transparent_and_no_others(text: str, form: str) -> None:
    cells = with_halo(text, 30, 50)
    valid = np.random.default_rng(2).random(cells.shape) > 0.4
    cells[~valid] = np.nan
    cells[~valid & (np.random.default_rng(3).random(cells.shape) > 0.5)] = -3.4e38
    halo = parse_style(text).halo
    opacity = decoded(render(parse_style(text), heights(cells, valid), form))[..., 3]
    np.testing.assert_array_equal(opacity > 0, valid[halo : 30 + halo, halo : 50 + halo])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("side", [256, 512])
def test_a_blank_picture_is_transparent_and_full_sized(form: str, side: int) -> None:
    for text in ("viridis", "hillshade", "slope;rescale=0,50"):
        picture = decoded(render_blank(parse_style(text), side, form))
        assert picture.shape == (side, side, 4)
        assert (picture[..., 3] == 0).all()


def test_a_ramp_goes_from_the_low_to_the_high_value() -> None:
    style = parse_style("viridis;rescale=100,354")
    indices = indices_of(render(style, heights([[99, 100, 100.4, 101, 227, 354, 9999]]), "png"))
    assert indices.tolist() == [[1, 1, 1, 2, 128, 255, 255]]


def test_without_rescale_a_ramp_covers_the_generations_own_range() -> None:
    cells = heights([[-50.0, 0.0, 50.0]], low=-50.0, high=50.0)
    assert indices_of(render(parse_style("grey"), cells, "png")).tolist() == [[1, 128, 255]]


def test_a_rescale_from_high_to_low_turns_the_ramp_around() -> None:
    cells = heights([[0.0, 10.0]])
    assert indices_of(render(parse_style("grey;rescale=10,0"), cells, "png")).tolist() == [[255, 1]]


def test_a_flat_terrain_is_all_middle_and_an_empty_one_all_transparent() -> None:
    flat = heights([[3.0, 3.0]], low=3.0, high=3.0)
    assert indices_of(render(parse_style("grey"), flat, "png")).tolist() == [[128, 128]]
    empty = heights([[0.0, 0.0]], valid=[[False, False]], low=None, high=None)
    assert indices_of(render(parse_style("grey"), empty, "png")).tolist() == [[0, 0]]


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "u4", "f4", "f8"])
def test_cells_of_any_dtype_are_drawn(dtype: str) -> None:
    cells = np.array([[0, 127, 254]], dtype=dtype)
    assert indices_of(render(parse_style("grey"), heights(cells), "png")).tolist() == [[1, 128, 255]]


finite = st.floats(allow_nan=False, allow_infinity=False)
finite_32 = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(
    values=arrays(np.float64, (5, 5), elements=finite) | arrays(np.float32, (5, 5), elements=finite_32),
    ends=st.tuples(finite, finite),
    text=st.sampled_from(STYLES),
)
def test_the_most_outlandish_heights_are_drawn_without_a_warning(
    values: NDArray[Any], ends: tuple[float, float], text: str
) -> None:
    content = render(parse_style(text), heights(values, low=min(ends), high=max(ends)), "png")
    assert (decoded(content)[..., 3] == 255).all()


@pytest.mark.parametrize("form", ["jpg", "jpeg"])
@pytest.mark.parametrize("text", ["terrain-rgb", "terrarium;border=1"])
def test_heights_are_never_encoded_with_loss(text: str, form: str) -> None:
    with pytest.raises(EncodingLossy, match="ask for png or webp"):
        render(parse_style(text), heights(with_halo(text, 4, 4)), form)


def test_forms_that_there_are_not_are_refused() -> None:
    with pytest.raises(FormatNotSupported, match="there are png, webp"):
        render(parse_style("viridis"), heights([[1.0]]), "jpg")
    assert set(FORMS) == set(PICTURE_TYPES)


@pytest.mark.parametrize("name", ["viridis", "magma", "turbo"])
def test_well_known_ramps_are_those_of_matplotlib(name: str) -> None:
    expected = mpl.colormaps[name](np.linspace(0, 1, 255))[:, :3] * 255
    np.testing.assert_allclose(palette(name)[1:], expected, atol=4)


@pytest.mark.parametrize("name", [*RAMPS, "slope"])
def test_a_ramp_has_255_colours_none_far_from_the_next(name: str) -> None:
    colours = palette(name)
    assert colours.shape == (256, 3)
    assert abs(np.diff(colours[1:].astype(int), axis=0)).max() <= 12
