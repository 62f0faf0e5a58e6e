"""CPU time of a request and of its bare SQL in one process: no socket, no client, no other process's time."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from sqlalchemy import make_url

from benchmark.clients import Ask, bare_sql
from benchmark.questions import Question
from own_postgres import conninfo_of
from service.app import create_app
from service.settings import Settings

TIMES = 3
"""Answers of each kind in a round: one alone is near what the clock tells."""


def main(database_url: str, path: str, sql: str, parameters: str, rounds: str) -> None:
    """Print the medians in milliseconds: of the service, of the bare SQL."""
    question = Question("", path, sql.encode(), tuple(json.loads(parameters)))
    with TemporaryDirectory() as folder, bare_sql(conninfo_of(make_url(database_url))) as ask:
        settings = Settings(
            database_url=database_url, store_url=Path(folder), tile_root=(Path(folder),), spool=Path(folder)
        )
        print(json.dumps(asyncio.run(_compare(create_app(settings), ask, question, int(rounds)))))


async def _compare(app: FastAPI, bare: Ask, question: Question, rounds: int) -> list[float]:
    ours, theirs = [], []
    async with app.router.lifespan_context(app):
        for _ in range(rounds + 1):
            started = time.process_time()
            for _ in range(TIMES):
                await _answer(app, question.path)
            between = time.process_time()
            for _ in range(TIMES):
                bare(question)
            ours.append(between - started)
            theirs.append(time.process_time() - between)
    # the first round also loads what is loaded once
    return [1000 * median(each[1:]) / TIMES for each in (ours, theirs)]


async def _answer(app: FastAPI, path: str) -> bytes:
    sent: list[dict[str, Any]] = []
    before, _, query = path.partition("?")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": before, "raw_path": before.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"127.0.0.1")], "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise RuntimeError(f"{path}: {sent[0]['status']}")
    return b"".join(message.get("body", b"") for message in sent)


if __name__ == "__main__":
    main(*sys.argv[1:])
