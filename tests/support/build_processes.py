"""Processes that build the held pyramid of the golden terrain: started, frozen, woken."""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from select import select
from subprocess import Popen

from sqlalchemy import update

from catalog.deadline import deadline
from catalog.errors import CatalogUnavailable
from catalog.models import BuildLease
from held_metric import METRICS
from installations import Installation

STATE = "/terrain/golden/pyramid/held"
LEVEL = f"{STATE}/1"
LEVEL_1 = [[62, 37, 66, 36], [87, 74, 53, 12], [15, 41, 59, 0]]
ASYNC = {"Prefer": "respond-async"}
WAIT = {"Prefer": "wait=60"}
SHORT = {"METRICS": METRICS, "LEASE_S": "2"}


def start_worker(installation: Installation, stack: ExitStack, **settings: str) -> Popen[str]:
    """A worker that is ready; it is killed with the stack."""
    process = stack.enter_context(installation.start("worker", LOG="json", **SHORT | settings))
    stack.callback(process.kill)
    assert process.stderr is not None
    assert "builds what is wanted" in json.loads(process.stderr.readline())["event"]
    return process


def freeze(installation: Installation, process: Popen[str]) -> None:
    """Stop a process where it holds no lock of the catalogue: it tells of itself every now and then."""
    while True:
        process.send_signal(signal.SIGSTOP)
        try:
            with (
                installation.house() as house,
                deadline(time.monotonic() + 2.0),
                house.database.write() as session,
            ):
                session.execute(update(BuildLease).values(host=BuildLease.host))
        except CatalogUnavailable:
            process.send_signal(signal.SIGCONT)
        else:
            return


def wake(process: Popen[str]) -> str:
    """Let a frozen process go on: what it says first, nothing when it says nothing for long."""
    process.send_signal(signal.SIGCONT)
    assert process.stderr is not None
    if not select([process.stderr], [], [], 30)[0]:
        return ""
    said: str = json.loads(process.stderr.readline())["event"]
    return said
