"""Serving: the port is taken before anything else starts, so that a taken one is a clear line."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import suppress

from service.command_errors import CommandRefused
from service.settings import Settings

logger = logging.getLogger(__name__)

WAITING_CONNECTIONS = 2048
"""Connections the kernel holds until they are accepted; uvicorn's own number."""


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
