"""The OpenAPI document: whole, valid, and with examples that are answered as it says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator

from installations import Installation
from rest import AppClient, add_terrain, open_client
from service.app import create_app
from service.json_bodies import MEDIA_TYPE
from service.problems import MEDIA_TYPE as PROBLEM
from service.registration_jobs import queue_registration
from service.settings import Settings

DEMO_TILES = Path(__file__).parents[2] / "data" / "tile"
REGISTRATION = "5d41402abc4b2a76b9719d911017c592"
MODES = {
    "open": Settings(),
    "keys": Settings(auth="keys"),
    "closed": Settings(auth="keys", public_reading=False),
}
DOCUMENTS: Mapping[str, dict[str, Any]] = {
    mode: create_app(settings).openapi() for mode, settings in MODES.items()
}


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    told: dict[str, Any]
    components: dict[str, Any]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """With those that several operations share."""
        shared = self.components["parameters"]
        return [shared.get(each.get("$ref", "").rpartition("/")[2], each) for each in self.told["parameters"]]

    def example_of(self, parameter: dict[str, Any]) -> Any:
        return parameter["example"] if "example" in parameter else parameter["schema"]["examples"][0]

    def values(self, place: str) -> dict[str, str]:
        """The examples of all parameters in the path, the query or the headers."""
        return {each["name"]: str(self.example_of(each)) for each in self.parameters if each["in"] == place}

    def bodies(self) -> dict[str, Any]:
        """An example for each media type that is taken."""
        content = self.told.get("requestBody", {}).get("content", {})
        return {kind: self._body_example(said) for kind, said in content.items()}

    def _body_example(self, said: dict[str, Any]) -> Any:
        if "example" in said:
            return said["example"]
        return self.components["schemas"][said["schema"]["$ref"].rpartition("/")[2]]["examples"][0]


def operations(mode: str) -> list[Operation]:
    document = DOCUMENTS[mode]
    return [
        Operation(method, path, told, document["components"])
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]


OPEN = operations("open")
OWED = {"202": "Location", "304": "ETag", "401": "WWW-Authenticate", "503": "Retry-After"}

every_operation = pytest.mark.parametrize("operation", OPEN, ids=lambda each: f"{each.method} {each.path}")
every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
def test_every_answer_has_a_request_id_and_errors_are_problems(mode: str) -> None:
    for operation in operations(mode):
        for status, response in operation.told["responses"].items():
            assert "X-Request-Id" in response["headers"]
            if int(status) >= 400 and operation.method != "head" and not operation.path.startswith("/v1/"):
                assert set(response["content"]) == {PROBLEM}
            if status in OWED:
                assert response["headers"][OWED[status]]["required"]


@every_mode
def test_every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere(mode: str) -> None:
    names = [operation.told["operationId"] for operation in operations(mode)]
    assert len(set(names)) == len(names)
    for reference in references(DOCUMENTS[mode]):
        found: Any = DOCUMENTS[mode]
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@every_mode
def test_head_is_described_like_get_without_content(mode: str) -> None:
    for path, methods in DOCUMENTS[mode]["paths"].items():
        assert ("head" in methods) == ("get" in methods), path
        if "head" in methods:
            assert methods["head"]["responses"].keys() == methods["get"]["responses"].keys()
            assert not any("content" in each for each in methods["head"]["responses"].values())


def test_links_take_parameters_that_there_are() -> None:
    by_name = {operation.told["operationId"]: operation for operation in OPEN}
    links = [
        link
        for operation in OPEN
        for response in operation.told["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 10
    for link in links:
        target = by_name[link["operationId"]]
        needed = {each["name"] for each in target.parameters if each.get("required")}
        assert needed <= link["parameters"].keys() <= {each["name"] for each in target.parameters}


@every_operation
def test_every_parameter_and_body_has_an_example_that_is_as_described(operation: Operation) -> None:
    for parameter in operation.parameters:
        Draft202012Validator(parameter["schema"]).validate(operation.example_of(parameter))
    schemas = {"components": operation.components}
    for media_type, example in operation.bodies().items():
        said = operation.told["requestBody"]["content"][media_type]["schema"]
        Draft202012Validator({**said, **schemas}).validate(example)


# Examples are sent


@pytest.fixture(scope="module")
def demo(shared_installation: Installation) -> Iterator[AppClient]:
    """What the examples are about: the golden terrain of the demonstration, and a table that was sent."""
    for name in ("golden-west.npy", "golden-east.npy"):
        shutil.copy(DEMO_TILES / name, shared_installation.tiles)
    with open_client(shared_installation) as client:
        yield prepared(shared_installation, client)


def prepared(made: Installation, client: AppClient) -> AppClient:
    tiles = {"url": "golden-west.npy", "x": 0, "y": 0}, {"url": "golden-east.npy", "x": 4, "y": 0}
    grid = {"crs": "EPSG:32632", "anchor_transform": [30, 0, 500_000, 0, -30, 5_100_000]}
    add_terrain(client, "golden", *tiles, **grid)
    client.post("/terrain/golden/pyramid/max", headers={"Prefer": "wait=30"})
    with made.house() as house:
        queue_registration(house, 1, REGISTRATION, 0, None)
    return client


@dataclass(frozen=True)
class Instead:
    """Parameters of the query that are given instead of others, and what of the path goes with them."""

    names: tuple[str, ...]
    path: Mapping[str, str] = field(default_factory=dict)
    has_to_be: bool = True
    """Whether, of these and the others, some have to be given."""


INSTEAD: Mapping[str, tuple[Instead, ...]] = {
    "/terrain/{terrain}/elevation": (
        Instead(("row", "col")),
        Instead(("x", "y")),
        Instead(("lon", "lat")),
    ),
    "/terrain/{terrain}/pyramid/{metric}/{level}": (
        Instead(("row", "col", "height", "width"), has_to_be=False),
        Instead(("bbox", "bbox-crs"), has_to_be=False),
        Instead(("bbox", "bbox-crs", "resolution"), {"level": "auto"}),
        Instead(("bbox", "bbox-crs", "max_size"), {"level": "auto"}),
    ),
}


@dataclass(frozen=True)
class Question:
    """A query, and what it replaces of the path."""

    query: Mapping[str, str]
    path: Mapping[str, str] = field(default_factory=dict)


def questions(operation: Operation) -> Iterator[Question]:
    """With all parameters, and with those alone that there have to be; once for each that may be instead."""
    examples = operation.values("query")
    needed = {each["name"] for each in operation.parameters if each["in"] == "query" and each["required"]}
    if operation.path not in INSTEAD:
        yield from (Question(examples), Question({name: examples[name] for name in needed}))
        return
    alternatives = INSTEAD[operation.path]
    for one in alternatives:
        others = {name for each in alternatives for name in each.names} - set(one.names)
        yield Question({name: value for name, value in examples.items() if name not in others}, one.path)
        if one.has_to_be:
            yield Question({name: examples[name] for name in one.names}, one.path)
        else:
            yield Question({}, one.path)


def written(media_type: str, body: Any) -> str:
    """A body of fields, as JSON or as a form."""
    return json.dumps(body) if media_type == MEDIA_TYPE else urlencode(body)


METHODS = ("get", "head", "post", "patch", "delete")
"""What takes away comes last."""

SENT = sorted(OPEN, key=lambda each: (METHODS.index(each.method), -len(each.path)))


@pytest.mark.parametrize("operation", SENT, ids=lambda each: f"{each.method} {each.path}")
def test_examples_are_answered_as_described(demo: AppClient, operation: Operation) -> None:
    """With all parameters, and with those alone that there have to be; the client looks at the answers."""
    state = demo.get("/terrain/golden/pyramid/max").json()
    there = operation.values("path") | {"generation": state["generation"]}  # none is known before it is made
    method, path = operation.method.upper(), operation.path.format_map(there)
    headers = operation.values("header")
    for media_type, body in operation.bodies().items():
        content = body if isinstance(body, str) else written(media_type, body)
        own = {**headers, "Content-Type": media_type}
        if "Idempotency-Key" in headers:
            own["Idempotency-Key"] += media_type  # another body is another request
        answer = demo.request(method, path, params=operation.values("query"), headers=own, content=content)
        assert answer.is_success, answer.text
    if method in {"GET", "HEAD"}:
        for question in questions(operation):
            path = operation.path.format_map({**there, **question.path})
            assert demo.request(method, path, params=question.query, headers=headers).is_success
            assert demo.request(method, path, params=question.query).is_success
    elif not operation.bodies():
        assert demo.request(method, path, params=operation.values("query"), headers=headers).is_success
