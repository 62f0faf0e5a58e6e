"""A proxy that does to connections what networks and failovers do: a program, and what drives it.

The program relays TCP to a server, takes a line of JSON per order on standard input and answers
each with one: `{"port": …, "accepted": …}`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import make_url

PIECE = 65536


@dataclass(eq=False)
class Pair:
    """A client's connection and the server's behind it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_frozen: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection without a word."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    writer.transport.abort()


@dataclass
class Proxy:
    """What runs in the program."""

    target: str
    """host:port, or the path of a Unix socket."""
    mode: str = "pass"
    latency_s: float = 0.0
    reset_at: bytes | None = None
    """A client that sends this is cut off; whether the server still gets it is `delivers`."""
    delivers: bool = True
    accepted: int = 0
    port: int = 0
    pairs: set[Pair] = field(default_factory=set)
    listener: asyncio.Server | None = None

    async def obey(self, order: dict[str, Any]) -> None:
        """Change what happens from now on."""
        self.latency_s = order.get("latency_s", 0.0)
        self.reset_at = order["reset_at"].encode() if "reset_at" in order else None
        self.delivers = order.get("delivers", True)
        if order["mode"] == "freeze":  # those there are stay silent for ever, new ones work
            for pair in self.pairs:
                pair.is_frozen = True
        self.mode = order["mode"]
        if self.mode in {"refuse", "reset"}:
            for pair in list(self.pairs):
                pair.reset()
        await (self.close() if self.mode == "refuse" else self.listen())

    async def listen(self) -> None:
        if self.listener is None:
            self.listener = await asyncio.start_server(self.accept, "127.0.0.1", self.port)
            self.port = self.listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            host, _, port = self.target.rpartition(":")
            connecting = (
                asyncio.open_unix_connection(self.target)
                if self.target.startswith("/")
                else asyncio.open_connection(host, int(port))
            )
            from_server, to_server = await connecting
        except OSError:
            reset(writer)
            return
        pair = Pair(writer, to_server)
        self.pairs.add(pair)
        try:
            await asyncio.gather(
                self.pump(reader, to_server, pair, is_down=False),
                self.pump(from_server, writer, pair, is_down=True),
            )
        finally:
            self.pairs.discard(pair)

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: Pair, *, is_down: bool
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                is_last = not is_down and self.reset_at is not None and self.reset_at in piece
                if is_last and not self.delivers:
                    pair.reset()
                    return
                await self.let_pass(pair)
                if is_down:
                    await asyncio.sleep(self.latency_s)
                pair.is_frozen = is_last  # the server carries it out, the client is not told
                writer.write(piece)
                await writer.drain()
                if is_last:
                    await asyncio.sleep(0.05)
                    pair.reset()
        with suppress(OSError):
            writer.close()

    async def let_pass(self, pair: Pair) -> None:
        """Wait, maybe for ever: what was sent is acknowledged, and not delivered."""
        while self.mode == "blackhole" or pair.is_frozen:  # noqa: ASYNC110 - either may change
            await asyncio.sleep(0.01)


async def run(target: str) -> None:
    """Obey until standard input ends."""
    proxy = Proxy(target)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    await proxy.listen()
    while line := await orders.readline():
        await proxy.obey(json.loads(line))
        sys.stdout.write(json.dumps({"port": proxy.port, "accepted": proxy.accepted}) + "\n")
        sys.stdout.flush()


@dataclass
class FaultProxy:
    """The program, driven."""

    process: subprocess.Popen[str]
    mode: str = "pass"
    options: dict[str, Any] = field(default_factory=dict)

    def set(self, mode: str, **options: Any) -> dict[str, int]:
        """Do this to connections: pass, refuse, reset, blackhole or freeze; see `Proxy` for the options."""
        self.mode, self.options = mode, options
        return self._order()

    @property
    def accepted(self) -> int:
        """Connections that clients opened so far."""
        if self.mode in {"freeze", "reset", "refuse"}:
            raise ValueError(f"asking would {self.mode} once more")
        return self._order()["accepted"]

    def _order(self) -> dict[str, int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"mode": self.mode, **self.options}) + "\n")
        self.process.stdin.flush()
        told: dict[str, int] = json.loads(self.process.stdout.readline())
        return told


@contextmanager
def fault_proxy(url: str) -> Iterator[tuple[FaultProxy, str]]:
    """A proxy in front of the PostgreSQL of this URL, and the URL through it."""
    server = make_url(url)
    host, port = server.query.get("host", server.host), server.port or 5432
    target = f"{host}/.s.PGSQL.{port}" if str(host).startswith("/") else f"{host}:{port}"
    command = [sys.executable, __file__, target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            proxy = FaultProxy(process)
            through = server.difference_update_query(["host"]).set(
                host="127.0.0.1", port=proxy.set("pass")["port"]
            )
            yield proxy, through.render_as_string(hide_password=False)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
