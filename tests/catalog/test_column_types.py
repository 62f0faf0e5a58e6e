from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.exc import StatementError

from catalog.column_types import NodataText
from catalog.database import Database
from catalog.models import Terrain
from catalog.repository.terrains import NewTerrain, create_terrain, get_terrain

NODATA = [
    None, 0, -9999, -9999.0, -32768, 2**31 - 1, -(2**63), 0.1, -0.0, 5e-324, 1e22, -3.4028234663852886e38,
    math.nan, math.inf, -math.inf,
]  # fmt: skip


def read_back(database: Database) -> Terrain:
    with database.read() as session:
        return get_terrain(session, "alps")


@pytest.mark.parametrize("nodata", NODATA)
def test_nodata_comes_back_as_what_it_was(database: Database, nodata: float | None) -> None:
    with database.write() as session:
        create_terrain(session, NewTerrain(name="alps", nodata=nodata))
    found = read_back(database).nodata
    assert (type(found), repr(found)) == (type(nodata), repr(nodata))


def test_a_scalar_of_numpy_is_the_number_it_holds() -> None:
    bind = NodataText().process_bind_param
    assert bind(np.float64("nan"), None) == "nan"  # type: ignore[arg-type]
    assert bind(np.float32(0.5), None) == "0.5"  # type: ignore[arg-type]
    assert bind(np.int16(-32768), None) == "-32768"  # type: ignore[arg-type]


def test_values_are_equal_when_the_same_is_stored() -> None:
    equal = NodataText().compare_values
    assert equal(math.nan, math.nan)
    assert equal(None, None)
    assert not equal(math.nan, None)
    assert not equal(-9999, -9999.0)


def test_a_moment_comes_back_in_utc(database: Database, alps: Terrain) -> None:
    moment = datetime(2026, 11, 24, 1, 30, tzinfo=timezone(timedelta(hours=5)))
    with database.write() as session:
        session.execute(update(Terrain).values(created_at=moment))
    found = read_back(database).created_at
    assert (found, found.tzinfo) == (moment, UTC)


def test_a_moment_without_time_zone_is_refused(database: Database, alps: Terrain) -> None:
    naive = datetime(2026, 11, 24)  # noqa: DTZ001 - on purpose
    with pytest.raises(StatementError, match="no time zone"), database.write() as session:
        session.execute(update(Terrain).values(created_at=naive))
