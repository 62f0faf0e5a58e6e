"""Serving: the port is taken before anything else starts, so that a taken one is a clear line."""

from __future__ import annotations

import socket
from contextlib import suppress

from catalog.repository import keys
from service.command_errors import CommandRefused
from service.console import tell_aside
from service.house import House
from service.settings import Settings

LAST_REQUESTS_S = 20
"""How long requests that run may take to end when the server stops."""

WAITING_CONNECTIONS = 2048
"""Connections the kernel holds until they are accepted; uvicorn's own number."""


def check_access(house: House) -> None:
    """Check that somebody can write to a service that others can reach, or that it is meant so.

    Raises
    ------
    CommandRefused
        Nobody said who may write, and the address is not this machine's alone.
    """
    if not house.settings.requires_keys:
        return
    with house.database.read() as session:
        if keys.has_usable_key(session):
            return
    if house.settings.auth == "auto":
        raise CommandRefused(
            f"others can reach {house.settings.host}, and there is no API key yet: make one with "
            "`ziggurat key create`, or say who may write with ZIGGURAT_AUTH: `keys` (nobody, until there "
            "is one) or `open` (everybody)"
        )
    tell_aside("There is no API key yet, so nobody can write; `ziggurat key create` makes one.")


def serve_forever(settings: Settings) -> None:
    """Serve until interrupted or terminated.

    Raises
    ------
    CommandRefused
        The address cannot be listened on.
    """
    # half a second that the other commands need not wait
    import uvicorn  # noqa: PLC0415

    from service.app import create_app  # noqa: PLC0415

    with listen(settings.host, settings.port) as listening:
        host, port = listening.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        tell_aside(f"Ziggurat listens on http://{name}:{port}; Ctrl-C stops it.")
        config = uvicorn.Config(
            create_app(settings),
            server_header=False,
            timeout_graceful_shutdown=LAST_REQUESTS_S,
        )
        with suppress(KeyboardInterrupt):  # the server stops in order first, and only then raises it
            uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    CommandRefused
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise CommandRefused(
            f"cannot listen on {host}, port {port}: {reason}; "
            "ZIGGURAT_HOST and ZIGGURAT_PORT name another address"
        ) from error
