"""Where a client begins: what there is, which standards it keeps to, the tile matrix sets of its maps."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from raster.map_tiles.errors import MatrixSetNotFound
from service.cache_control import FOR_AN_HOUR
from service.description.headers import DOCUMENT
from service.description.problems import problem_responses
from service.description.viewer import with_page
from service.documents import answer_document
from service.map_schemas import ConformanceBody, LandingBody, LinkBody, MatrixSetBody, MatrixSetListBody
from service.matrix_documents import matrix_set_list, registered_matrix_set

router = APIRouter(tags=["map"])

SUMMARY = "Terrain pyramids: zoom levels of elevation that lies scattered over many tiles."

CLASSES = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/png",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilesetmetadata",
)


def _told(what: str) -> dict[int | str, dict[str, object]]:
    return {
        200: {"description": what, "headers": DOCUMENT},
        304: {"description": "The client has it", "headers": DOCUMENT},
    }


@router.get("/", response_model=LandingBody, responses=with_page(_told("What there is")))
async def get_landing(request: Request) -> Response:
    """What there is, and where; to whoever likes HTML better, the viewer."""
    base = str(request.base_url)
    ogc = "http://www.opengis.net/def/rel/ogc/1.0"
    json, openapi = "application/json", "application/vnd.oai.openapi+json;version=3.1"
    links = [
        LinkBody(rel="self", href=base, type=json),
        LinkBody(rel="service-desc", href=f"{base}openapi.json", type=openapi, title="OpenAPI document"),
        LinkBody(rel="service-doc", href=f"{base}docs", type="text/html", title="The same to read"),
        LinkBody(rel="conformance", href=f"{base}conformance", type=json, title="Standards"),
        LinkBody(rel="data", href=f"{base}terrain", type=json, title="Terrains"),
        LinkBody(
            rel=f"{ogc}/tiling-schemes", href=f"{base}tileMatrixSets", type=json, title="Tile matrix sets"
        ),
    ]
    body = LandingBody(title="Ziggurat", description=SUMMARY, links=links)
    return answer_document(request, body.as_json(), FOR_AN_HOUR, vary="Accept")


@router.get("/conformance", response_model=ConformanceBody, responses=_told("The classes"))
async def get_conformance(request: Request) -> Response:
    """Which classes of which standards the service keeps to."""
    return answer_document(request, ConformanceBody(conforms_to=list(CLASSES)).as_json(), FOR_AN_HOUR)


@router.get("/tileMatrixSets", response_model=MatrixSetListBody, responses=_told("The sets"))
async def list_matrix_sets(request: Request) -> Response:
    """The registered tile matrix sets that maps are given in; `native`, a pyramid's own, is beside them."""
    return answer_document(request, matrix_set_list(str(request.base_url)).as_json(), FOR_AN_HOUR)


@router.get(
    "/tileMatrixSets/{tms}",
    response_model=MatrixSetBody,
    responses={**problem_responses(MatrixSetNotFound), **_told("The set")},
)
async def get_matrix_set(
    request: Request,
    tms: Annotated[str, Path(description="Id of a registered set.", examples=["WebMercatorQuad"])],
) -> Response:
    """A registered tile matrix set."""
    return answer_document(request, registered_matrix_set(tms).as_json(), FOR_AN_HOUR)
