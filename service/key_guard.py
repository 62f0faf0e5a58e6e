"""Who may do what: the one table, and the guard in front of every route. What it does not know is writing."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as RequestScope

from catalog.errors import CatalogError
from catalog.models import ApiKey
from catalog.repository.keys import Scope
from service.desk import desk_of
from service.errors import KeyMissing, KeyUnknown, Overloaded, ResourcesExhausted, ScopeMissing, ServiceError
from service.keys import note_use, recognize_key
from service.problems import answer_problem
from service.settings import Settings
from service.viewer_answers import wants_page

OPEN_PATHS = re.compile(r"/health/.*|/docs.*|/redoc|/openapi\.json|/viewer/.*")
"""Need no key even where reading does: probes have none, description and viewer tell nothing of the data."""

BUILD_ORDER = re.compile(r"/terrain/[^/]+/pyramid/[^/]+")

QUESTION = re.compile(r"/terrain/[^/]+/(elevation|profile)|/v1/[^/]+")
"""What a POST only asks: its question is too long for an address."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def scope_needed(method: str, path: str) -> Scope | None:
    """What a key has to be good for; None: no key is ever needed."""
    if method in SAFE_METHODS:
        return None if OPEN_PATHS.fullmatch(path) else Scope.READ
    if method == "POST" and QUESTION.fullmatch(path):
        return Scope.READ
    if (method == "POST" and BUILD_ORDER.fullmatch(path)) or (
        method == "DELETE" and path.endswith("/build") and BUILD_ORDER.fullmatch(path.removesuffix("/build"))
    ):
        return Scope.BUILD
    return Scope.WRITE


def granted_scope(scope: MutableMapping[str, Any]) -> Scope | None:
    """What the guard has allowed this request to do; None: reading, for nobody in particular."""
    granted: Scope | None = scope["state"]["granted"]
    return granted


def holder_of(scope: MutableMapping[str, Any]) -> str:
    """The prefix of the key that this request came with; empty for none."""
    holder: str = scope["state"]["holder"]
    return holder


def kept_private(cache_control: str) -> str:
    """What a shared cache may be told of an answer to the holder of a key: that it is not for others."""
    said = [directive.strip() for directive in cache_control.split(",") if directive.strip()]
    for_all = ("public", "private", "s-maxage")
    return ", ".join(["private", *(each for each in said if not each.lower().startswith(for_all))])


class KeyGuard:
    """ASGI middleware that answers 401 or 403 before the body is read."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._requires_keys = settings.requires_keys
        self._public_reading = settings.public_reading

    async def __call__(self, scope: RequestScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            needed = None if wants_page(scope) else scope_needed(request.method, scope["path"])
            # nothing may keep a probe waiting: where no key is ever needed, none is looked at
            key = await _key_of(request) if self._requires_keys and needed is not None else None
            granted = self._grant(key, needed)
        except (ServiceError, CatalogError) as error:
            await answer_problem(request, error)(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["granted"], state["holder"] = granted, "" if key is None else key.prefix
        is_private = self._requires_keys and not self._public_reading
        await self._app(scope, receive, _privately(send) if is_private else send)
        if key is not None:
            # the answer is on its way: nobody waits for this, nor for an error
            desk = desk_of(request)
            with suppress(Overloaded, ResourcesExhausted):
                await desk.run(note_use, desk.house, key)

    def _grant(self, key: ApiKey | None, needed: Scope | None) -> Scope | None:
        """What the request may do.

        Raises
        ------
        KeyMissing, ScopeMissing
        """
        if not self._requires_keys:
            return Scope.WRITE
        held = None if key is None else Scope(key.scope)
        if needed is None or (needed is Scope.READ and self._public_reading):
            return held
        if held is None:
            raise KeyMissing(needed)
        if not held.includes(needed):
            raise ScopeMissing(held, needed)
        return held


def _privately(send: Send) -> Send:
    async def send_privately(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Cache-Control"] = kept_private(headers.get("cache-control", ""))
        await send(message)

    return send_privately


async def _key_of(request: Request) -> ApiKey | None:
    """The key a request comes with. One that is no good is refused even where none is needed.

    Raises
    ------
    KeyUnknown, KeyExpired, CatalogUnavailable
    """
    said = request.headers.getlist("authorization")
    if len(said) > 1:
        # whoever stands in front may have looked at another one
        raise KeyUnknown
    kind, _, presented = "".join(said).partition(" ")
    if kind.lower() != "bearer":
        return None
    desk = desk_of(request)
    return await desk.run(recognize_key, desk.house, presented.strip())
