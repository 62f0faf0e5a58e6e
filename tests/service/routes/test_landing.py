"""Where clients begin: the landing document, conformance and tile matrix sets."""

from __future__ import annotations

from collections.abc import Iterator

import morecantile
import pytest

from installations import Installation
from rest import AppClient, open_client, problem_in

DOCUMENTS = ["/", "/conformance", "/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad"]


@pytest.fixture(scope="module")
def client(shared_installation: Installation) -> Iterator[AppClient]:
    with open_client(shared_installation) as client:
        yield client


def test_every_link_of_the_landing_document_leads_somewhere(client: AppClient) -> None:
    answer = client.get("/", headers={"Accept": "application/json"})
    assert "Accept" in answer.headers["vary"].split(", ")
    links = {link["rel"]: link for link in answer.json()["links"]}
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= links.keys()
    for link in links.values():
        found = client.get(link["href"])
        assert found.status_code == 200, link
        assert found.headers["content-type"].partition(";")[0] in {
            link["type"].partition(";")[0],
            "application/json",
        }


def test_what_clients_look_for_is_declared(client: AppClient) -> None:
    classes = client.get("/conformance").json()["conformsTo"]
    tiles = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
    assert {f"{tiles}/core", f"{tiles}/tileset", f"{tiles}/tilesets-list"} <= set(classes)


def test_every_set_of_the_list_is_there_as_its_register_has_it(client: AppClient) -> None:
    listed = client.get("/tileMatrixSets").json()["tileMatrixSets"]
    assert {"WebMercatorQuad", "WorldCRS84Quad"} <= {each["id"] for each in listed}
    for each in listed:
        assert isinstance(each["crs"], str)
        assert each["crs"].startswith("http://www.opengis.net/def/crs/")
        (link,) = each["links"]
        told = client.get(link["href"]).json()
        registered = morecantile.tms.get(each["id"]).model_dump(mode="json")
        assert told["id"] == each["id"]
        assert len(told["tileMatrices"]) == len(registered["tileMatrices"])
        for matrix, expected in zip(told["tileMatrices"], registered["tileMatrices"], strict=True):
            assert matrix == {key: expected[key] for key in matrix}


def test_a_set_that_there_is_not_is_a_problem_that_names_those_there_are(client: AppClient) -> None:
    problem = problem_in(client.get("/tileMatrixSets/Nope"), 404, "matrix-set-not-found")
    assert "WebMercatorQuad" in problem["known"]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_who_has_a_document_is_not_sent_it_again(client: AppClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert client.head(path).headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_may_be_read_by_pages_of_any_origin(client: AppClient, path: str) -> None:
    answer = client.get(path, headers={"Origin": "https://maps.example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    problem_in(client.get(f"{path}?x=1"), 422, "parameter-unknown")
