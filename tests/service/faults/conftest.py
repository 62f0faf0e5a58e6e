"""A service whose catalogue is a PostgreSQL behind a proxy that breaks connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from asking import ask_at_once, statuses
from catalog.repository.terrains import NewTerrain, create_terrain
from catalogues import PostgresServer, Role
from faultproxy import FaultProxy, fault_proxy
from installations import Installation, make_installation
from rest import AppClient, open_client


@pytest.fixture
def role(postgres: PostgresServer) -> Iterator[Role]:
    name = f"{postgres.template}_service"
    postgres.execute(
        f"CREATE ROLE {name} LOGIN", f"GRANT pg_read_all_data, pg_write_all_data, pg_signal_backend TO {name}"
    )
    yield Role(name, postgres)
    postgres.execute(f"DROP ROLE {name}")


@pytest.fixture
def catalogue_url(postgres: PostgresServer) -> Iterator[str]:
    """The database, without a proxy."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def proxied(catalogue_url: str, role: Role) -> Iterator[tuple[FaultProxy, str]]:
    as_role = make_url(catalogue_url).set(username=role.name).render_as_string(hide_password=False)
    with fault_proxy(as_role) as proxied:
        yield proxied


@pytest.fixture
def proxy(proxied: tuple[FaultProxy, str]) -> FaultProxy:
    return proxied[0]


@pytest.fixture
def installation(tmp_path: Path, proxied: tuple[FaultProxy, str]) -> Installation:
    """It has the terrains alps and andes."""
    installation = make_installation(tmp_path, proxied[1])
    with installation.house() as house, house.database.write() as session:
        for name in ("alps", "andes"):
            create_terrain(session, NewTerrain(name=name))
    return installation


@pytest.fixture
def start(installation: Installation) -> Iterator[Callable[..., AppClient]]:
    """Start the service under some settings; without those, no answer is given twice."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(
            open_client(installation, **{"stale_page_s": 0, **settings})
        )


@pytest.fixture
def client(start: Callable[..., AppClient]) -> AppClient:
    return start()


@pytest.fixture
def warm(client: AppClient) -> AppClient:
    """The same, all its connections open."""
    assert statuses(ask_at_once(client, "/terrain", 40, 20)) == {200: 40}
    return client
