"""The log: one line for each request and for whatever went wrong, with the request's id, as JSON or text."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from installations import Installation, make_installation
from rest import AppClient, add_golden, open_client, problem_in
from service.logs import configure_logs

LEVEL = "/terrain/golden/pyramid/max/1"


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)


@pytest.fixture
def client(installation: Installation) -> Iterator[AppClient]:
    with open_client(installation) as client:
        yield client


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged as JSON, line by line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def requests_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [line for line in lines_of(stream) if line["event"] == "request"]


def test_a_request_is_one_line(installation: Installation, client: AppClient, stream: io.StringIO) -> None:
    add_golden(installation, client)
    configure_logs("json", "info", stream)
    answer = client.get(f"{LEVEL}?row=0&height=1", headers={"X-Request-Id": "abc-1"})
    (line,) = lines_of(stream)
    assert 0 < line.pop("ms") < 60_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
    assert line == {
        "event": "request",
        "level": "info",
        "logger": "service.request_watch",
        "request_id": "abc-1",
        "method": "GET",
        "route": "/terrain/{terrain}/pyramid/{metric}/{level}",
        "status": 200,
        "bytes": len(answer.content),
    }


def test_the_answer_to_head_has_no_bytes(client: AppClient, stream: io.StringIO) -> None:
    configure_logs("json", "info", stream)
    client.head("/terrain")
    (line,) = requests_of(stream)
    assert (line["method"], line["route"], line["bytes"]) == ("HEAD", "/terrain", 0)


@pytest.mark.parametrize(
    "asked", ["a b", "a\n{}", "x" * 65, "", "é".encode("latin-1").decode("latin-1"), '"']
)
def test_an_id_that_could_forge_a_line_is_not_taken(
    client: AppClient, stream: io.StringIO, asked: str
) -> None:
    configure_logs("json", "info", stream)
    answer = client.get("/health/live", headers={b"X-Request-Id": asked.encode("latin-1")})
    (line,) = lines_of(stream)
    assert line["request_id"] == answer.headers["x-request-id"] != asked
    assert re.fullmatch(r"[0-9a-f]{32}", line["request_id"])


def test_neither_path_nor_query_are_logged(client: AppClient, stream: io.StringIO) -> None:
    configure_logs("json", "debug", stream)
    for path in (
        "/secret-path",
        "/terrain/secret-name",
        "/terrain?secret-query=1",
        "/terrain?q=secret-value",
    ):
        client.get(path)
    client.get("/terrain", headers={"Authorization": "Bearer secret-key"})
    assert len(requests_of(stream)) == 5
    assert "secret" not in stream.getvalue()


def test_a_defect_is_logged_once_with_its_stack_and_answered_without(
    client: AppClient, stream: io.StringIO
) -> None:
    async def defect() -> None:
        raise ZeroDivisionError("postgresql://anna:secret@db")

    client.app.add_api_route("/defect", defect)
    configure_logs("json", "info", stream)
    answer = client.get("/defect")
    problem_in(answer, 500, "internal-error")
    assert "Zero" not in answer.text
    request, error = lines_of(stream)
    assert (request["event"], request["status"]) == ("request", 500)
    assert (error["event"], error["level"]) == ("unexpected error", "error")
    assert error["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert error["exception"].startswith("Traceback (most recent call last)")
    assert error["exception"].endswith("ZeroDivisionError: postgresql://***@db")


def test_what_is_wrong_inside_is_in_the_log_alone(
    installation: Installation, client: AppClient, stream: io.StringIO
) -> None:
    configure_logs("json", "info", stream)
    client.app.state.desk.house.database.dispose()
    (installation.folder / "catalog.db").write_bytes(b"no database")
    problem_in(client.get("/terrain", headers={"X-Request-Id": "r1"}), 503, "catalog-unavailable")
    wrong = [line for line in lines_of(stream) if line["level"] == "error"]
    assert [(line["request_id"], "not a database" in line["event"]) for line in wrong] == [("r1", True)]


def test_a_build_that_fails_bears_the_id_of_who_ordered_it(
    installation: Installation, client: AppClient, stream: io.StringIO
) -> None:
    add_golden(installation, client)
    installation.tile_file("east.npy").unlink()
    configure_logs("json", "info", stream)
    client.get(LEVEL, headers={"X-Request-Id": "orders-it"})
    (line,) = [line for line in lines_of(stream) if line["logger"] == "service.build_desk"]
    assert (line["level"], line["request_id"]) == ("warning", "orders-it")
    assert "east.npy" in line["event"]


def test_the_level_is_heeded(client: AppClient, stream: io.StringIO) -> None:
    configure_logs("json", "warning", stream)
    client.get("/terrain")
    assert stream.getvalue() == ""


def test_lines_of_libraries_have_the_same_form(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream)
    logging.getLogger("uvicorn.error").info("Started %d", 7, extra={"color_message": "\x1b[36m%d"})
    logging.getLogger("some.library").warning("slow: %s", "https://x/?sig=secret")
    logging.getLogger("some.library").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=1)
    started, slow, careful = lines_of(stream)
    assert (started["event"], started["logger"]) == ("Started 7", "uvicorn.error")
    assert started.keys() == {"event", "level", "logger", "timestamp"}
    assert slow["event"] == "slow: https://x/?sig=***"
    assert "careful" in careful["event"]


def test_a_defect_that_was_answered_is_no_news_from_uvicorn(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream)
    uvicorn_says = logging.getLogger("uvicorn.error").error
    uvicorn_says("Exception in ASGI application\n", exc_info=ValueError("answered"))
    uvicorn_says("Exception in ASGI application\n", exc_info=KeyboardInterrupt("cut off"))
    uvicorn_says("Exception in 'lifespan' protocol\n", exc_info=ValueError("never started"))
    assert [line["exception"] for line in lines_of(stream)] == [
        "KeyboardInterrupt: cut off",
        "ValueError: never started",
    ]


def test_text_is_one_line_too_and_plain_where_no_terminal_is(client: AppClient, stream: io.StringIO) -> None:
    configure_logs("text", "info", stream)
    client.get("/health/live", headers={"X-Request-Id": "abc"})
    (line,) = stream.getvalue().splitlines()
    assert "\x1b" not in line
    for said in ("request", "method=GET", "route=/health/live", "status=200", "request_id=abc"):
        assert said in line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_text_anything_else_json(client: AppClient, stream: io.StringIO) -> None:
    terminal = Terminal()
    for each in (terminal, stream):
        configure_logs(None, "info", each)
        client.get("/health/live")
    assert terminal.getvalue().startswith("\x1b")
    assert lines_of(stream)
