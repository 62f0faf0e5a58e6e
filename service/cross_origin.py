"""What web pages of other origins may do (CORS): any may read; those that are named may write, too."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from fastapi import Request
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.key_guard import QUESTION
from service.problems import answer_problem
from service.request_errors import PreflightRefused

READING = ("GET", "HEAD")
WRITING = ("POST", "PATCH", "PUT", "DELETE")

EXPOSED_HEADERS = (
    "Accept-Ranges",
    "Age",
    "Content-Bbox",
    "Content-Crs",
    "Content-Range",
    "ETag",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
    "Ziggurat-Fill",
    "Ziggurat-Generation",
    "Ziggurat-Missing-Tiles",
    "Ziggurat-State",
)


class CrossOrigin:
    """ASGI middleware. Never with cookies: a key is sent by the page itself, which has to know it."""

    def __init__(self, app: ASGIApp, trusted: Collection[str]) -> None:
        self._trusted = frozenset(trusted)
        self._for_trusted = _policy(app, tuple(trusted), (*READING, *WRITING))
        self._for_any = _policy(app, ("*",), READING)
        self._for_questions = _policy(app, ("*",), (*READING, "POST"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_trusted = scope["type"] == "http" and Headers(scope=scope).get("origin") in self._trusted
        is_question = scope["type"] == "http" and QUESTION.fullmatch(scope["path"]) is not None
        of_any = self._for_questions if is_question else self._for_any
        await (self._for_trusted if is_trusted else of_any)(scope, receive, send)


class _Refusal(Response):
    """A problem, once it is known whose request this is, with the headers of the policy."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope)
        refused = PreflightRefused(asked["origin"][:100], asked["access-control-request-method"][:100])
        problem = answer_problem(Request(scope), refused)
        for name, value in self.headers.items():
            problem.headers.setdefault(name, value)
        await problem(scope, receive, send)


class _Policy(CORSMiddleware):
    def preflight_response(self, request_headers: Headers) -> Response:
        told = super().preflight_response(request_headers)
        return told if told.status_code == HTTPStatus.OK else _Refusal(headers=told.headers)


def _policy(app: ASGIApp, origins: tuple[str, ...], methods: tuple[str, ...]) -> _Policy:
    return _Policy(
        app, allow_origins=origins, allow_methods=methods, allow_headers=["*"], expose_headers=EXPOSED_HEADERS
    )
