"""No secret gets into a log, whatever it is in; what is no secret stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from service.redaction import redact

SECRET = "hunter2-XYZ"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql+psycopg://anna:{SECRET}@db.example:5432/ziggurat",
        f"cannot open 'https://anna:{SECRET}@tiles.example/a.tif': 404",
        f"https://anna:pass@word/{SECRET}@x".replace("/" + SECRET, SECRET),
        f"GET https://tiles.example/a.tif?X-Amz-Signature={SECRET}&X-Amz-Date=2026 failed",
        f"GET /terrain?after=ab&sig={SECRET}#top",
        f"Authorization: Bearer {SECRET}",
        f"{{'authorization': 'Basic {SECRET}'}}",
        f"sent bearer {SECRET}",
        f"connection to host=db user=anna password={SECRET} failed",
        f"connection to host=db user=anna password='a {SECRET}' failed",
        f'{{"client_secret": "{SECRET}", "a": 1}}',
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f"api-key: {SECRET}",
        f"key zig_0123456789ab.{SECRET} is unknown",
    ],
)
def test_a_secret_is_hidden_and_the_rest_is_left(text: str) -> None:
    redacted = redact(text)
    assert SECRET not in str(redacted)
    assert "***" in str(redacted)
    for kept in (
        "db.example:5432/ziggurat",
        "tiles.example/a.tif",
        "user=anna",
        "zig_0123456789ab",
        "failed",
        "after",
    ):
        assert (kept in str(redacted)) == (kept in text)


@pytest.mark.parametrize(
    "text",
    [
        "pyramid max of terrain 1: the source east.npy is missing",
        "https://tiles.example/a.tif",
        "anna@example.org wrote",
        "password authentication failed for user",
        "2026-11-26T04:00:00Z",
        "a ? b = c",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text", ["://a@", "?a=", "Authorization:x", "BEARER x", "token=x", "token:x", "zig_0.x"]
)
def test_the_least_that_a_rule_needs_is_looked_at(text: str) -> None:
    assert "***" in str(redact(text))


def test_texts_are_found_however_deep_they_are() -> None:
    url = f"https://a:{SECRET}@b"
    value = {"urls": [url, (url, {"url": url})], "path": Path("/x"), "n": 1, "part": 0.5, "none": None}
    hidden = "https://***@b"
    assert redact(value) == {
        "urls": [hidden, [hidden, {"url": hidden}]],
        "path": "/x",
        "n": 1,
        "part": 0.5,
        "none": None,
    }


@pytest.mark.parametrize(
    "text", ["://a", "://", "token", "token-", "?a", "zig_0", "a-", "bearer ", "authorization"]
)
def test_ten_times_the_text_costs_ten_times_as_much(text: str) -> None:
    # and not a hundred times
    assert cpu_seconds(text * 20_000) < 40 * max(cpu_seconds(text * 2_000), 1e-4)


def cpu_seconds(text: str) -> float:
    """The least of three trials."""

    def once() -> float:
        began = time.process_time()
        redact(text)
        return time.process_time() - began

    return min(once() for _ in range(3))
