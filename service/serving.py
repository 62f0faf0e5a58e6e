"""Serving: the port is taken before anything else starts, so that a taken one is a clear line."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import suppress

from catalog.repository import keys
from service.command_errors import CommandRefused
from service.console import tell_aside
from service.house import House
from service.settings import Settings

logger = logging.getLogger(__name__)

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
    from service.app import create_app  # noqa: PLC0415
    from service.logs import configure_logs  # noqa: PLC0415
    from service.server import LeavingServer  # noqa: PLC0415

    with listen(settings.host, settings.port) as listening:
        configure_logs(settings.log, settings.log_level, sys.stderr)
        host, port = listening.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        logger.info("Ziggurat listens on http://%s:%d; Ctrl-C stops it.", name, port)
        with suppress(KeyboardInterrupt):  # the server stops in order first, and only then raises it
            LeavingServer(create_app(settings), settings).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    What it accepts sends at once: head and body of an answer go out in two pieces, and the second
    would wait until the client has acknowledged the first, which takes clients 40 ms. asyncio sees
    to that only for sockets that name their protocol, and `create_server` makes none of those.

    Raises
    ------
    CommandRefused
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise CommandRefused(
            f"cannot listen on {host}, port {port}: {reason}; "
            "ZIGGURAT_HOST and ZIGGURAT_PORT name another address"
        ) from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
