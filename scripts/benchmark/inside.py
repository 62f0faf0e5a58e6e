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


def main(database_url: str, questions: str, rounds: str) -> None:
    """Print the medians of each question in milliseconds: of the service, of the bare SQL."""
    asked = [Question("", path, sql.encode(), tuple(values)) for path, sql, values in json.loads(questions)]
    with TemporaryDirectory() as folder, bare_sql(conninfo_of(make_url(database_url))) as bare:
        settings = Settings(
            database_url=database_url, store_url=Path(folder), tile_root=(Path(folder),), spool=Path(folder)
        )
        print(json.dumps(asyncio.run(_compare_all(create_app(settings), bare, asked, int(rounds)))))


async def _compare_all(
    app: FastAPI, bare: Ask, questions: list[Question], rounds: int
) -> list[tuple[float, float]]:
    async with app.router.lifespan_context(app):
        return [await _compare(app, bare, question, rounds) for question in questions]


async def _compare(app: FastAPI, bare: Ask, question: Question, rounds: int) -> tuple[float, float]:
    ours, theirs = [], []
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
    return 1000 * median(ours[1:]) / TIMES, 1000 * median(theirs[1:]) / TIMES


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
