"""The application: the one place where routes, problems and the desk are put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from zarr import open_group
from zarr.storage import MemoryStore

from service.allocation import keep_freed_memory
from service.body_limits import BodyLimits
from service.careful_headers import CarefulHeaders
from service.cross_origin import CrossOrigin
from service.description.document import DESCRIPTION, describe
from service.description.problems import problem_responses
from service.desk import open_desk
from service.head_requests import HeadRequests
from service.house import open_house, prepare_to_serve
from service.key_guard import KeyGuard
from service.known_hosts import LOCAL_HOSTS, KnownHosts
from service.last_answers import LastAnswers
from service.monitoring import Monitor
from service.problems import install_problems
from service.query_parameters import check_parameters
from service.readiness import Readiness
from service.request_ids import RequestIds
from service.request_watch import RequestWatch
from service.routes import (
    builds,
    elevations,
    health,
    landing,
    levels,
    map_documents,
    map_tiles,
    monitoring,
    opentopodata,
    profiles,
    pyramids,
    registrations,
    terrains,
    tiles,
    viewer,
    zarrs,
)
from service.settings import Settings
from service.version import VERSION
from service.viewer_files import ViewerFiles


def create_app(settings: Settings) -> FastAPI:
    """The REST service of one installation."""
    readiness, monitor = Readiness(), Monitor()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        house = open_house(settings)
        not_prepared = prepare_to_serve(house.database)
        keep_freed_memory()
        _start_zarr()
        app.state.desk = open_desk(house)
        monitor.watch(app.state.desk)
        schema_watch = asyncio.create_task(readiness.watch_schema(house.database))
        readiness.start(not_prepared)
        try:
            yield
        finally:
            schema_watch.cancel()
            app.state.desk.registrations.close()
            app.state.desk.builds.close()
            house.close()

    app = FastAPI(
        title="Ziggurat",
        summary="Terrain pyramids: zoom levels of elevation that lies scattered over many tiles.",
        description=DESCRIPTION,
        version=VERSION,
        lifespan=lifespan,
        responses=problem_responses(),
        dependencies=[Depends(check_parameters)],
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,  # an address has one spelling
    )
    app.state.readiness, app.state.monitor = readiness, monitor
    app.state.viewer = ViewerFiles()
    install_problems(app)
    include_routes(app)
    describe(app, settings)
    install_middleware(app, settings, readiness, monitor)
    return app


def include_routes(app: FastAPI) -> None:
    """All there are. The first that matches an address answers."""
    # tables come before other tiles, and these first: "/terrain/tile/…" is not a terrain of that name
    kinds = (health, monitoring, registrations, tiles, terrains, pyramids, builds, levels, zarrs)
    documents = (map_documents, landing)
    values = (elevations, profiles, opentopodata)
    # map tiles are asked for most; the viewer's page comes, where one is wanted, before JSON
    for routes in (map_tiles, viewer, *kinds, *documents, *values):
        app.include_router(routes.router)


def install_middleware(app: FastAPI, settings: Settings, readiness: Readiness, monitor: Monitor) -> None:
    """What every request passes on its way in and every answer on its way out; the last one comes first."""
    app.add_middleware(BodyLimits, table_bytes=settings.max_table_bytes)
    app.add_middleware(KeyGuard, settings=settings)
    app.add_middleware(CrossOrigin, trusted=settings.cors_origins)
    own_hosts = (*LOCAL_HOSTS, settings.host) if settings.is_local else ()
    app.add_middleware(KnownHosts, hosts=settings.allowed_hosts or own_hosts)
    app.add_middleware(HeadRequests)
    app.add_middleware(CarefulHeaders)
    app.add_middleware(LastAnswers, readiness=readiness)
    app.add_middleware(RequestWatch, monitor=monitor)
    app.add_middleware(RequestIds)


def _start_zarr() -> None:
    """Start zarr's own thread while there are threads: where it fails, zarr would wait for it for ever."""
    open_group(MemoryStore(), mode="w")
