"""What a log must not hold. A second line of defence: the first is not to log it at all."""

from __future__ import annotations

import re

HIDDEN = "***"

RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # user and password of a URL
    (re.compile(r"(?<=://)[^/\s\"'<>]*@"), f"{HIDDEN}@"),
    # values of its query: signatures and tokens have many names
    (re.compile(r"([?&][\w.\-~%\[\]]+)=[^&\s\"'<>#]*"), rf"\1={HIDDEN}"),
    # what clients identify themselves with
    (
        re.compile(r"(authorization[\"']?\s*[:=]\s*[\"']?)(?:\w+\s+)?[^\s\"',]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # secrets by name: words of libpq, fields of JSON, settings
    (
        re.compile(
            # a word is looked through once and never given back, however long it is
            r"(?<![\w-])(?=[\w-]*?(?:password|passwd|secret|token|api[_-]?key|access[_-]?key))"
            r"([\w-]++[\"']?\s*[=:]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # our own keys: the part before the dot names one, the part behind it is the secret
    (re.compile(r"\b(zig_[0-9a-f]+)\.[\w-]+"), rf"\1.{HIDDEN}"),
)
"""What is hidden, and what is left of it."""

SUSPICIOUS = re.compile("[=:@]|bearer|zig_", re.IGNORECASE)
"""Of this each rule needs something; most of what is logged has none of it."""


def redact(value: object) -> object:
    """A value as a log may have it: every text in it without secrets, whatever is no JSON as text."""
    match value:
        case str():
            if SUSPICIOUS.search(value) is None:
                return value
            for pattern, left in RULES:
                value = pattern.sub(left, value)
            return value
        case dict():
            return {key: redact(each) for key, each in value.items()}
        case list() | tuple():
            return [redact(each) for each in value]
        case int() | float() | None:
            return value
        case _:
            return redact(str(value))
