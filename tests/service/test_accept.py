from __future__ import annotations

import pytest

from service.accept import best_accepted

JSON, NPY = "application/json", "application/x-npy"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        # whoever says nothing takes anything
        (None, JSON), ("", JSON), (" ", JSON), ("*/*", JSON), ("application/*", JSON),
        (NPY, NPY), (NPY.upper(), NPY), (f" {NPY} ", NPY), (f"{JSON};charset=utf-8", JSON),
        # quality decides, not the order; of equals our first
        (f"{NPY}, {JSON}", JSON), (f"{NPY};q=0.5, {JSON};q=0.9", JSON), (f"{JSON};q=0.5, {NPY};q=0.9", NPY),
        (f"{JSON};q=0.1, {NPY}", NPY), (f"{JSON} ; Q = 0.1,{NPY} ; q=.2", JSON), (f"{JSON};q=0.001", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", JSON),
        # the most specific range counts, wherever it stands
        (f"*/*, {JSON};q=0.2", NPY), (f"{NPY};q=0.5, */*", JSON), (f"application/*;q=0.1, {NPY};q=0.2", NPY),
        (f"{JSON};q=0.3, application/*;q=0.2, */*;q=0.9", JSON),
        # zero refuses
        (f"{JSON};q=0, */*", NPY), (f"*/*, {JSON};q=0.000", NPY), (f"{JSON};q=0, application/*;q=0.1", NPY),
        (f"{JSON};q=0", None), ("*/*;q=0", None), (f"{JSON};q=0, {NPY};q=0, */*", None),
        # nothing we have
        ("image/png", None), ("text/*", None), ("application/jsonp", None), ("*", None),
        # what is no quality is no wish
        (f"{NPY};q=high", None), (f"{NPY};q=2", None), (f"{NPY};q=-1", None), (f"{NPY};q=nan", None),
        (f"{NPY};q=1e-3", None), (f"{NPY};q=, */*", JSON), (";;,,=;q", None), ("application/", None),
    ],
)  # fmt: skip
def test_the_type_a_client_likes_best(header: str | None, expected: str | None) -> None:
    assert best_accepted(header, (JSON, NPY)) == expected
