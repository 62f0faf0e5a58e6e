"""The description is true: whatever schemathesis makes of it, answers are as described and never a defect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from catalog.repository.keys import Scope
from installations import Installation, make_installation
from rest import serve
from service.creation import TerrainOrder, create_terrain
from service.keys import issue_key
from service.registration import register_tiles
from service.tile_orders import TileOrder

EXAMPLES = {"open": 12, "keys": 4}
"""Requests of each operation: more find little more, and each may start a build."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, module_catalogue_url: str) -> Installation:
    """Two terrains for requests to meet, by names and ids that are likely to be tried."""
    made = make_installation(tmp_path_factory.mktemp("api"), module_catalogue_url)
    np.save(made.tiles / "a.npy", np.arange(12, dtype=np.int16).reshape(3, 4))
    with made.house() as house:
        for name in ("a", "b"):
            create_terrain(house, TerrainOrder(name=name))
        register_tiles(house, "a", [TileOrder(url="a.npy", x=0, y=0)])
    return made


@pytest.mark.parametrize("auth", ["open", "keys"])
def test_answers_are_as_described_and_no_request_is_a_defect(installation: Installation, auth: str) -> None:
    """With keys, schemathesis also leaves the key out and sends wrong ones, and wants 401."""
    with installation.house() as house:
        key = issue_key(house, "fuzz", Scope.WRITE, None).text
    headers = {"Authorization": f"Bearer {key}"} if auth == "keys" else {}
    with serve(installation, build_wait_s=5.0, auth=auth) as address:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        assert len(operations) > 15
        for operation in operations:

            @settings(
                max_examples=EXAMPLES[auth],
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def answer_is_as_described(case: Any) -> None:
                # what a schema cannot say (a cursor nobody gave, a CRS that is none) may well be refused
                case.call_and_validate(excluded_checks=[positive_data_acceptance], headers=headers)

            answer_is_as_described()
