from __future__ import annotations

import re

import pytest

from service.etags import answers_304, etag_of

TAG = etag_of("g1", 0)


def test_a_tag_is_strong_and_of_characters_that_headers_take() -> None:
    assert re.fullmatch(r'"[0-9a-f]{32}"', TAG)


def test_equal_answers_have_equal_tags_and_others_have_others() -> None:
    assert etag_of("g1", 0) == TAG
    others = [etag_of(*parts) for parts in (("g1", 1), ("g10",), ("g", "10"), ("g1", "0", ""), ("g1",), ())]
    assert len({TAG, *others}) == len(others) + 1


@pytest.mark.parametrize(
    ("header", "has_it"),
    [
        (TAG, True), (f"W/{TAG}", True), (f'"other", {TAG}', True), ("*", True),
        (f'"other",W/{TAG} , "x"', True),
        (None, False), ("", False), ('"other"', False), (TAG.strip('"'), False), (TAG[:-2] + '"', False),
        (TAG.upper(), False), (f"{TAG} {TAG}", False),
    ],
)  # fmt: skip
def test_whether_a_client_has_the_answer(header: str | None, has_it: bool) -> None:
    assert answers_304(header, TAG) is has_it
