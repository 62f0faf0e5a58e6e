"""Names of generations."""

from __future__ import annotations

import re

from service.generations import new_generation_id


def test_ids_sort_by_time_and_are_never_reused() -> None:
    ids = [new_generation_id() for _ in range(500)]
    assert len(set(ids)) == 500
    moments = [each.partition("-")[0] for each in ids]
    assert moments == sorted(moments)


def test_an_id_can_be_a_file_a_key_and_a_part_of_an_address() -> None:
    assert re.fullmatch(r"g[0-9]{8}t[0-9]{12}-[0-9a-f]{8}", new_generation_id())
