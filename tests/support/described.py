"""Whether an answer is one that the service's OpenAPI document tells of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator

PARAMETER = re.compile(r"\\\{\w+\\\}")


class Description:
    """An OpenAPI document, and answers compared with it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._components = document["components"]
        self._paths = [(_pattern(path), operations) for path, operations in document["paths"].items()]

    def check(self, answer: httpx.Response) -> None:
        """Status, media type, headers, and the kind of a problem."""
        operation = self._operation(answer.request)
        if operation is None:  # an address or method that is not there
            return
        status, responses = str(answer.status_code), operation["responses"]
        asked = f"{answer.request.method} {answer.request.url}: {status}"
        assert status in responses, f"{asked} is not described: {answer.text[:1000]}"
        self._check_headers(responses[status], answer, asked)
        if "content" in responses[status]:
            self._check_content(responses[status]["content"], answer, asked)
        else:
            assert not answer.content, asked

    def _operation(self, request: httpx.Request) -> Mapping[str, Any] | None:
        found = [ways for pattern, ways in self._paths if pattern.fullmatch(request.url.path)]
        return next((ways[request.method.lower()] for ways in found if request.method.lower() in ways), None)

    def _check_headers(self, response: Mapping[str, Any], answer: httpx.Response, asked: str) -> None:
        for name, header in response["headers"].items():
            told = self._components["headers"][name] if "$ref" in header else header
            assert name in answer.headers or not told["required"], f"{asked} without {name}"
            if name in answer.headers:
                Draft202012Validator(told["schema"]).validate(answer.headers[name])
        for name in ("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "Ziggurat-State"):
            assert name not in answer.headers or name in response["headers"], f"{asked} has {name}"

    def _check_content(self, content: Mapping[str, Any], answer: httpx.Response, asked: str) -> None:
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in content, f"{asked} is {media_type}"
        if media_type.endswith("json") and len(answer.content) < 2**16:  # slow, and large ones are alike
            schema = {**content[media_type]["schema"], "components": self._components}
            Draft202012Validator(schema).validate(answer.json())


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PARAMETER.sub("[^/]+", re.escape(path)))
