from __future__ import annotations

import pytest

from service.prefer import Preference, parse_prefer

BY_DEFAULT = Preference(10.0, None)
AT_ONCE = Preference(0.0, "respond-async")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, BY_DEFAULT), ("", BY_DEFAULT), ("return=minimal", BY_DEFAULT),
        ("handling=strict; x", BY_DEFAULT),
        ("respond-async", AT_ONCE), ("Respond-Async", AT_ONCE), ("return=minimal, respond-async", AT_ONCE),
        ("respond-async; foo=bar", AT_ONCE), ("no-respond-async", BY_DEFAULT), ("respond-asyncs", BY_DEFAULT),
        ("wait=5", Preference(5.0, "wait=5")), ("wait=0", Preference(0.0, "wait=0")),
        ('WAIT = "5"', Preference(5.0, "wait=5")), ("return=minimal;wait=7", Preference(7.0, "wait=7")),
        ("wait=60", Preference(60.0, "wait=60")), ("wait=61", Preference(60.0, "wait=60")),
        ("wait=999999", Preference(60.0, "wait=60")), ("await=5", BY_DEFAULT), ("wait", BY_DEFAULT),
        ("wait=-5", BY_DEFAULT), ("wait=soon", BY_DEFAULT), ("wait=", BY_DEFAULT),
        # together (RFC 7240, 4.3): for so long, then with 202
        ("respond-async, wait=5", Preference(5.0, "respond-async, wait=5")),
        ("wait=90, respond-async", Preference(60.0, "respond-async, wait=60")),
    ],
)  # fmt: skip
def test_how_long_a_client_waits(header: str | None, expected: Preference) -> None:
    assert parse_prefer(header, default_s=10.0, longest_s=60.0) == expected
