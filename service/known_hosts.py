"""Requests for other hosts are refused: so asks a web page whose name was pointed at this machine."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import HostUnknown
from service.problems import answer_problem

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""What a service on a loopback address is called."""

PROBES = "/health/"
"""Load balancers ask by address, and learn nothing but that."""


class KnownHosts:
    """ASGI middleware that answers only as the hosts it is told; as any when it is told none."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = [host.lower() for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(PROBES):
            host = _without_port(Headers(scope=scope).get("host", ""))
            if not self._knows(host):
                await answer_problem(Request(scope), HostUnknown(host[:100]))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        return not self._hosts or any(
            pattern in {"*", host} or (pattern.startswith("*.") and host.endswith(pattern[1:]))
            for pattern in self._hosts
        )


def _without_port(host: str) -> str:
    """The name or address; IPv6 keeps its brackets."""
    end = host.find("]") + 1 if host.startswith("[") else host.find(":")
    return (host[:end] if end > 0 else host).lower()
